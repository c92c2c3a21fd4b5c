// A FAULT ON PURPOSE: attention_scores.wgsl with kv head h % nHeadKv in place of h / (nHead / nHeadKv).
// scores[t][h][key] = scale * sum_d q[t][h][d] * keys[key][h % nHeadKv][d]; shapes, grid and order of sums as there. f32.

struct Params {
  nHead: u32,
  headsPerKv: u32,
  headDim: u32,
  nKeys: u32,
  firstPosition: u32,
  future: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  let key = global.x;
  let row = group.y;
  let token = row / params.nHead;
  if (key >= min(params.nKeys, params.firstPosition + token + 1u + params.future)) {
    return;
  }
  let head = row - token * params.nHead;
  let nHeadKv = params.nHead / params.headsPerKv;
  let headKv = head % nHeadKv;
  let qFrom = row * params.headDim;
  let kFrom = (key * nHeadKv + headKv) * params.headDim;
  var sum = 0.0;
  for (var d = 0u; d < params.headDim; d++) {
    sum += q[qFrom + d] * keys[kFrom + d];
  }
  scores[row * params.nKeys + key] = sum * params.scale;
}

// scores[t][h][key] = sum_d (scale * q[t][h][d]) * keys[key][h / (nHead / nHeadKv)][d], before any mask.
// q (tokens, nHead, headDim); keys (at least keyCount, nHeadKv, headDim); scores (tokens, nHead, nKeys). scale = 1 / sqrt(headDim).
// Computes keys below min(keyCount, firstPosition + t + 1 + future): `future` 0 leaves out what the mask will hide, nKeys keeps all.
// Grid: x keys / 64, y token * nHead + head. One lane a score; <channels> reads and sums along d. f32.

struct Params {
  nHead: u32,
  headsPerKv: u32,
  headDim: u32,
  nKeys: u32,
  firstPosition: u32,
  future: u32,
  scale: f32,
}

#include <channels>
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
  let headKv = head / params.headsPerKv;
  let nHeadKv = params.nHead / params.headsPerKv;
  let qFrom = row * params.headDim;
  let kFrom = (key * nHeadKv + headKv) * params.headDim;
  scores[row * params.nKeys + key] = dotChannels(qFrom, kFrom, params.headDim, params.scale);
}

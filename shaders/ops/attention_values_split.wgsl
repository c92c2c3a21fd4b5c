// What attention_values.wgsl computes, for few tokens: y[t][h][d] = sum over the last `window` keys <= firstPosition + t of p[t][h][key] * values[key][h / headsPerKv][d]
// p (tokens, nHead, nKeys); values (at least nKeys, nHeadKv, headDim); y (tokens, nHead, headDim).
// One workgroup for 16 channels of y: lane (s, c) sums keys s, s + 16, ... of channel c; the 16 partial sums are added in order. With one
// token there are too few channels to keep a GPU busy, and one lane would walk along all keys. f32.
const CHANNELS: u32 = 16u;
const SLICES: u32 = 16u;

struct Params {
  count: u32,
  nHead: u32,
  headsPerKv: u32,
  headDim: u32,
  nKeys: u32,
  firstPosition: u32,
  window: u32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> sums: array<f32, 256>; // SLICES * CHANNELS

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slice = lane / CHANNELS;
  // The last workgroup may reach beyond y: its lanes repeat the last channel, so that all meet the barrier.
  let wanted = (group.y * groups.x + group.x) * CHANNELS + lane % CHANNELS;
  let index = min(wanted, params.count - 1u);
  let row = index / params.headDim; // token * nHead + head
  let d = index - row * params.headDim;
  let token = row / params.nHead;
  let headKv = (row - token * params.nHead) / params.headsPerKv;
  let step = (params.nHead / params.headsPerKv) * params.headDim;
  let end = min(params.nKeys, params.firstPosition + token + 1u);
  let begin = end - min(end, params.window);
  var sum = 0.0;
  for (var key = begin + slice; key < end; key += SLICES) {
    sum += p[row * params.nKeys + key] * values[key * step + headKv * params.headDim + d];
  }
  sums[lane] = sum;
  workgroupBarrier();

  if (slice == 0u && wanted < params.count) {
    var total = 0.0;
    for (var s = 0u; s < SLICES; s++) {
      total += sums[s * CHANNELS + lane];
    }
    y[index] = total;
  }
}

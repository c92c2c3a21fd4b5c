// y[t][h][d] = sum over the last `window` keys <= firstPosition + t of p[t][h][key] * values[key][h / headsPerKv][d]
// p (tokens, nHead, nKeys); values (at least nKeys, nHeadKv, headDim); y (tokens, nHead, headDim).
// One lane a channel of y, summed in order of the keys; hidden keys are not read, so that what lies there cannot spoil the sum. f32.
#include "lib/grid.wgsl"

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

fn compute(index: u32) {
  let row = index / params.headDim; // token * nHead + head
  let d = index - row * params.headDim;
  let token = row / params.nHead;
  let headKv = (row - token * params.nHead) / params.headsPerKv;
  let step = (params.nHead / params.headsPerKv) * params.headDim;
  let end = min(params.nKeys, params.firstPosition + token + 1u);
  let begin = end - min(end, params.window);
  var first = begin * step + headKv * params.headDim + d;
  var sum = 0.0;
  for (var key = begin; key < end; key++) {
    sum = fma(p[row * params.nKeys + key], values[first], sum);
    first += step;
  }
  y[index] = sum;
}

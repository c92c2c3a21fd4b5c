// y[r][c] = x[r][c] * scale[e] + bias[biasFirst + e * biasStride + c], e = indices[r]: what a file says beside a weight, behind its products.
// x, y (rows, nOut), y from value yOffset on; each operation only where its flag is set, and expert 0 without experts. One lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  nOut: u32,
  nExpert: u32,
  isScaled: u32,
  isBiased: u32,
  biasFirst: u32,
  biasStride: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

fn compute(i: u32) {
  let row = i / params.nOut;
  var expert = 0u;
  if (params.nExpert > 1u) {
    expert = min(indices[row], params.nExpert - 1u);
  }
  var value = x[i];
  if (params.isScaled != 0u) {
    value *= scale[expert];
  }
  if (params.isBiased != 0u) {
    value += bias[params.biasFirst + expert * params.biasStride + i - row * params.nOut];
  }
  y[params.yOffset + i] = value;
}

// y[t][c] = sum over slots, in slot order, of weights[t][s] * x[t][s][c]
// weights (tokens, nUsed); x (tokens, nUsed, rowLength); y (tokens, rowLength). One lane a value of y. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  rowLength: u32,
  nUsed: u32,
}

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(index: u32) {
  let token = index / params.rowLength;
  let c = index - token * params.rowLength;
  var sum = 0.0;
  for (var slot = 0u; slot < params.nUsed; slot++) {
    sum += weights[token * params.nUsed + slot] * x[(token * params.nUsed + slot) * params.rowLength + c];
  }
  y[index] = sum;
}

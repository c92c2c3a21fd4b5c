// weights[t][s] = p[t][indices[t][s]] / max(sum_s p[t][indices[t][s]], 2^-14), or without the division
// p (tokens, nExpert); indices, weights (tokens, nUsed). One lane a slot; each adds the nUsed values in slot order. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  nExpert: u32,
  nUsed: u32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// Whether the weights are divided by their sum.
override DIVIDE: bool = true;

const SMALLEST_SUM: f32 = 6.103515625e-5; // 2^-14

fn compute(index: u32) {
  let token = index / params.nUsed;
  let own = p[token * params.nExpert + min(indices[index], params.nExpert - 1u)];
  if (!DIVIDE) {
    weights[index] = own;
    return;
  }
  let first = token * params.nUsed;
  var sum = 0.0;
  for (var slot = 0u; slot < params.nUsed; slot++) {
    sum += p[token * params.nExpert + min(indices[first + slot], params.nExpert - 1u)];
  }
  weights[index] = own / max(sum, SMALLEST_SUM);
}

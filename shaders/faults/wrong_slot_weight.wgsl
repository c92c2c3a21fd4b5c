// A FAULT ON PURPOSE: weighted_sum.wgsl with the weight of slot s + 1 for slot s (of slot 0 for the last), in tokens first to end - 1.
// weights (tokens, nUsed); x (tokens, nUsed, rowLength); y (tokens, rowLength). One lane a value of y, summed in slot order. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  rowLength: u32,
  nUsed: u32,
  first: u32,
  end: u32,
}

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = linearIndex(global, groups, 64u);
  if (index >= params.count) {
    return;
  }
  let token = index / params.rowLength;
  let c = index - token * params.rowLength;
  let shift = select(0u, 1u, token >= params.first && token < params.end);
  var sum = 0.0;
  for (var slot = 0u; slot < params.nUsed; slot++) {
    sum += weights[token * params.nUsed + (slot + shift) % params.nUsed] * x[(token * params.nUsed + slot) * params.rowLength + c];
  }
  y[index] = sum;
}

// y[i] = x[i] * factor
// x, y (count): one lane an element. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(i: u32) {
  y[i] = x[i] * params.factor;
}

// y[i] = x[i] * weight[i % width]
// x, y (count), weight (width): one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  y[i] = x[i] * weight[i % params.width];
}

// y[i] = 1 / (1 + exp(-x[i]))
// exp(-|x|) never overflows: e / (1 + e) for negative x. x, y (count): one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(i: u32) {
  let v = x[i];
  let e = exp(-abs(v));
  y[i] = select(1.0, e, v < 0.0) / (1.0 + e);
}

// y[i] = a[i] + b[i]
// a, b, y (count): one lane an element. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  y[i] = a[i] + b[i];
}

// y[i] = log(1 + exp(v)), v = x[i] + bias[i % width]: max(v, 0) + log(1 + e) with e = exp(-|v|).
// WGSL's log may err by 2^-21 near 1, more than all of a small result. log(1 + e) = 2 atanh(z) with z = e / (2 + e), at most 1/3: seven terms
// of its series leave out less than 2e-8 of it. x, y (count), bias (width): one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  let v = x[i] + bias[i % params.width];
  let e = exp(-abs(v));
  let z = e / (2.0 + e);
  let s = z * z;
  let odd = 1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * (1.0 / 13.0))))));
  y[i] = max(v, 0.0) + 2.0 * z * odd;
}

// y[i] = g sigmoid(alpha g) (u + 1), g = min(gate[i], limit), u = up[i] held within -limit and limit: gpt-oss.
// exp(-|z|) never overflows: sigmoid(z) = e / (1 + e) for negative z. gate, up, y (count): one lane a value. f32.
// A NaN is seen by its bits and makes y NaN: cutting off may make a number of it.
#include "lib/grid.wgsl"
#include "lib/non_finite.wgsl"

struct Params {
  count: u32,
  alpha: f32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  let g = min(gate[i], params.limit);
  let u = clamp(up[i], -params.limit, params.limit);
  let z = params.alpha * g;
  let e = exp(-abs(z));
  y[i] = orNaN(g * select(1.0, e, z < 0.0) / (1.0 + e) * (u + 1.0), isNan(gate[i]) || isNan(up[i]));
}

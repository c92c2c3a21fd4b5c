// y[i] = silu(gate[i]) * up[i], silu(g) = g / (1 + exp(-g)).
// exp(-|g|) never overflows: silu(g) = g * e / (1 + e) for negative g. gate, up, y (count): one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  let g = gate[i];
  let e = exp(-abs(g));
  y[i] = g * select(1.0, e, g < 0.0) / (1.0 + e) * up[i];
}

// Rows of f64 as integers of 64 bits on a power-of-two grid of each row (fixed.wgsl), for float_products.wgsl.
// x (nX, nIn) f64 bits, finite, |x| <= 2^(unit + 62); y (nX, nIn) two's complement.
struct Params {
  count: u32,
  nIn: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> units: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(3) var<uniform> params: Params;

#include "lib/grid.wgsl"
#include "exact/fixed.wgsl"

fn compute(i: u32) {
  y[i] = onGrid(x[i], units[i / params.nIn]);
}

// y[r][c] = x[r][first + c]: some columns of each row.
// x (rows, stride), y (rows, width) from value yOffset on; count = rows * width: one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  width: u32,
  stride: u32,
  first: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(i: u32) {
  let row = i / params.width;
  y[params.yOffset + i] = x[row * params.stride + params.first + (i - row * params.width)];
}

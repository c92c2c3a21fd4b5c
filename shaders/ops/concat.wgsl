// y[r] = a[r] followed by b[r]: two rows side by side.
// a (rows, first), b (rows, width - first), y (rows, width) from value yOffset on; count = rows * width: one lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  width: u32,
  first: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  let row = i / params.width;
  let column = i - row * params.width;
  if (column < params.first) {
    y[params.yOffset + i] = a[row * params.first + column];
  } else {
    y[params.yOffset + i] = b[row * (params.width - params.first) + column - params.first];
  }
}

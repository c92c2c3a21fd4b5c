// y[yOffset + r * rowLength + c] = x[r * xStride + xOffset + c]: part of every row, packed. One lane a value. Bits are kept.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  rowLength: u32,
  xStride: u32,
  xOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(index: u32) {
  let row = index / params.rowLength;
  y[params.yOffset + index] = x[row * params.xStride + params.xOffset + (index - row * params.rowLength)];
}

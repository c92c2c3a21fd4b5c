// y[r * times + copy][c] = x[r][c] * inverseSqrt(sum_c x[r][c]^2 + eps) for every copy below `times`.
// x (rows, rowLength): heads of tokens; y (rows * times, rowLength).
// One workgroup a row; lane l sums columns l, l + 64, ...; every lane adds the 64 partial sums in the same order. f32.
#include "lib/rows.wgsl"

struct Params {
  rows: u32,
  rowLength: u32,
  times: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(row: u32, lane: u32) {
  let first = row * params.rowLength;
  var sum = 0.0;
  for (var c = lane; c < params.rowLength; c += LANES) {
    let value = x[first + c];
    sum += value * value;
  }
  let total = sumOfLanes(lane, sum);
  let scale = inverseSqrt(total + params.eps);
  for (var copy = 0u; copy < params.times; copy++) {
    let to = (row * params.times + copy) * params.rowLength;
    for (var c = lane; c < params.rowLength; c += LANES) {
      y[to + c] = x[first + c] * scale;
    }
  }
}

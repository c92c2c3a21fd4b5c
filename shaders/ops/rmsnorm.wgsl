// y[r][c] = x[r][c] * inverseSqrt(sum_c x[r][c]^2 / rowLength + eps) * weight[c]
// Rows are whole tokens (rowsPerToken 1) or the heads of a token: row r is row r % rowsPerToken of token r / rowsPerToken, at
// xOffset of that token's xStride values. y (rows, rowLength) is dense. weight (rowLength).
// One workgroup a row; lane l sums columns l, l + 64, ...; every lane adds the 64 partial sums in the same order. f32.
#include "lib/rows.wgsl"

struct Params {
  rows: u32,
  rowLength: u32,
  rowsPerToken: u32,
  xStride: u32,
  xOffset: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(row: u32, lane: u32) {
  let token = row / params.rowsPerToken;
  let first = token * params.xStride + params.xOffset + (row - token * params.rowsPerToken) * params.rowLength;

  var sum = 0.0;
  for (var c = lane; c < params.rowLength; c += LANES) {
    let value = x[first + c];
    sum += value * value;
  }
  let total = sumOfLanes(lane, sum);
  let scale = inverseSqrt(total / f32(params.rowLength) + params.eps);
  let to = row * params.rowLength;
  for (var c = lane; c < params.rowLength; c += LANES) {
    y[to + c] = x[first + c] * scale * weight[c];
  }
}

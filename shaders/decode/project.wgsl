#include <totals>
// y = residual + W x: the output projection and the residual of one token. x (nIn); W (rows, nIn); residual, y (rows). f32 sums.
#include <rowsPerTeam>

override LANES = 32u;
override GROUP = 128u;
const SUMS = ROWS;

struct Params {
  nIn: u32,
  rows: u32,
  step: u32,
  tapProduct: u32,
  tapSum: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> residual: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> taps: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/team_dot.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return x[column];
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let member = lane % LANES;
  let first = (group.x * (GROUP / LANES) + lane / LANES) * ROWS;
  let totals = teamTotals(dotRows(rowPlaces(first, params.rows, params.step), params.nIn, member), lane);
  for (var r = 0u; r < ROWS; r++) {
    let row = first + r;
    if (member == r % LANES && row < params.rows) {
      let sum = residual[row] + totals[r];
      y[row] = sum;
      tap(params.tapProduct, row, totals[r]);
      tap(params.tapSum, row, sum);
    }
  }
}

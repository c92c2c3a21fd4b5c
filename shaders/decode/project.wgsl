#include <totals>
// y = residual + W x: the output projection and the residual of one token. nIn is N_IN. x (nIn), folded; W (rows, nIn); residual (rows);
// y a stream (lib/places.wgsl), a sum of squares for each team. f32 sums.
#include "decode/lib/team.wgsl"

struct Params {
  // Rows that a team takes.
  batches: u32,
  rows: u32,
  step: u32,
  tapProduct: u32,
  tapSum: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> residual: array<f32>;
@group(0) @binding(2) var<storage, read> gain: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> taps: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/write_stream.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return x[folded(column, foldBlocks(N_IN))];
}

#include "decode/lib/team_dot.wgsl"

// Of the team's rows.
var<private> squares: f32;

fn takeRow(row: u32, own: f32, lane: u32) {
  let total = teamTotal(own, lane);
  if (row < params.rows) {
    let sum = residual[row] + total;
    squares += sum * sum;
    if (lane % LANES == 0u) {
      writeStream(params.rows, row, sum);
      tap(params.tapProduct, row, total);
      tap(params.tapSum, row, sum);
    }
  }
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let step = GROUP / LANES;
  let first = group.x * step * params.batches + lane / LANES;
  walkRows(first, step, params.batches, 0u, params.rows, params.step, lane);
  if (lane % LANES == 0u) {
    writeSquares(params.rows, group.x * (GROUP / LANES) + lane / LANES, squares);
  }
}

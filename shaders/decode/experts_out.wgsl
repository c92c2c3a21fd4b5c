#include <totals>
// The second half of the experts of one token: y = residual + sum over slots, in slot order, of weight[slot] * W[e] x[slot].
// nIn is N_IN. x (nUsed, nIn), each slot folded; W (experts, rows, nIn); route: chosen experts (nUsed), bits of their weights (nUsed); residual (rows); y a stream (lib/places.wgsl). f32 sums.
// Team t of a workgroup takes a row of slot t % nUsed; row team t / nUsed. GROUP is LANES * USED * row teams.
#include "decode/lib/team.wgsl"

override USED = 8u;
struct Params {
  // Rows that a team takes.
  batches: u32,
  rows: u32,
  step: u32,
  tapExperts: u32,
  tapSum: u32,
  tapResidual: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> route: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> gain: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> taps: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/write_stream.wgsl"
#include "decode/lib/team_dot.wgsl"

var<workgroup> products: array<f32, GROUP / LANES>;
// Where the slot's x begins.
var<private> xFirst: u32;

fn xAt(column: u32) -> vec4<f32> {
  return x[xFirst + folded(column, foldBlocks(N_IN))];
}

// Of the rows that a lane ends.
var<private> squares: f32;

// Adds up a row of every slot, then the slots of each row.
fn takeRow(row: u32, own: f32, lane: u32) {
  let team = lane / LANES;
  let slot = team % USED;
  let rowTeam = team / USED;
  let rowTeams = GROUP / LANES / USED;
  let total = teamTotal(own, lane);
  if (lane % LANES == 0u) {
    products[team] = total;
    if (row < params.rows) {
      tap(params.tapExperts, slot * params.rows + row, total);
    }
  }
  workgroupBarrier();
  // Row teams take neighbouring rows.
  let outRow = row - rowTeam + lane;
  if (lane < rowTeams && outRow < params.rows) {
    var sum = 0.0;
    for (var s = 0u; s < USED; s++) {
      sum += bitcast<f32>(route[USED + s]) * products[lane * USED + s];
    }
    let value = residual[outRow] + sum;
    squares += value * value;
    writeStream(params.rows, outRow, value);
    tap(params.tapSum, outRow, sum);
    tap(params.tapResidual, outRow, value);
  }
  workgroupBarrier();
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let team = lane / LANES;
  let slot = team % USED;
  let rowTeams = GROUP / LANES / USED;
  let first = group.x * params.batches * rowTeams + team / USED;
  xFirst = slot * 32u * foldBlocks(N_IN);
  walkRows(first, rowTeams, params.batches, route[slot] * params.rows, params.rows, params.step, lane);
  if (lane < rowTeams) {
    writeSquares(params.rows, group.x * rowTeams + lane, squares);
  }
}

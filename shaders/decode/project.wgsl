#include <totals>
// y = residual + W x: the output projection and the residual of one token. nIn is N_IN. x (nIn), folded; W (rows, nIn); residual (rows);
// y a stream (lib/places.wgsl), a sum of squares for each row team. f32 sums.
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

var<workgroup> products: array<f32, GROUP / LANES>;
// Of the rows that a lane ends.
var<private> squares: f32;

// Adds up a row of every team, then the teams of each row.
fn takeRow(row: u32, own: f32, lane: u32) {
  let team = lane / LANES;
  let total = teamTotal(own, lane);
  if (lane % LANES == 0u) {
    products[team] = total;
  }
  workgroupBarrier();
  // Row teams take neighbouring rows.
  let outRow = row - team / SHARE + lane;
  if (lane < GROUP / LANES / SHARE && outRow < params.rows) {
    var product = 0.0;
    for (var i = 0u; i < SHARE; i++) {
      product += products[lane * SHARE + i];
    }
    let sum = residual[outRow] + product;
    squares += sum * sum;
    writeStream(params.rows, outRow, sum);
    tap(params.tapProduct, outRow, product);
    tap(params.tapSum, outRow, sum);
  }
  workgroupBarrier();
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rowTeams = GROUP / LANES / SHARE;
  let team = lane / LANES;
  share = team % SHARE;
  walkRows(group.x * rowTeams * params.batches + team / SHARE, rowTeams, params.batches, 0u, params.rows, params.step, lane);
  if (lane < rowTeams) {
    writeSquares(params.rows, group.x * rowTeams + lane, squares);
  }
}

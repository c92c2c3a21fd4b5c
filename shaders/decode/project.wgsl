#include <totals>
// y = residual + W x: the output projection and the residual of one token. nIn is N_IN. x (nIn), folded; W (rows, nIn); residual (rows);
// y a stream (lib/places.wgsl), a sum of squares for each team. f32 sums.
#include "decode/lib/team.wgsl"

const SUMS = ROWS;

struct Params {
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
#include "decode/lib/team_dot.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return x[folded(column, foldBlocks(N_IN))];
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let member = lane % LANES;
  let team = group.x * (GROUP / LANES) + lane / LANES;
  var squares = 0.0;
  for (var b = 0u; b < BATCHES; b++) {
    let first = ((group.x * BATCHES + b) * (GROUP / LANES) + lane / LANES) * ROWS;
    let places = rowPlaces(first, params.rows, params.step);
    let loaded = loadRows(places, firstUnit(member));
    let totals = teamTotals(dotRows(places, member, loaded), lane);
    for (var r = 0u; r < ROWS; r++) {
      let row = first + r;
      if (row < params.rows) {
        let sum = residual[row] + totals[r];
        squares += sum * sum;
        if (member == r % LANES) {
          writeStream(params.rows, row, sum);
          tap(params.tapProduct, row, totals[r]);
          tap(params.tapSum, row, sum);
        }
      }
    }
  }
  if (member == 0u) {
    writeSquares(params.rows, team, squares);
  }
}

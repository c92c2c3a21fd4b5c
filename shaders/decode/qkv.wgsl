#include <totals>
// y = (q, k, v) = W (gain * x) * inverseSqrt(sum x^2 / nIn + eps): RMSNorm and the three projections of one token.
// x, gain (nIn); Wq (rowsQ, nIn), Wk (rowsK, nIn), Wv (rowsV, nIn), each of its own type; y (rowsQ + rowsK + rowsV). f32 sums.
// A team of LANES lanes takes ROWS rows; groups below groupsQ are q's, below groupsQk k's, the others v's.
#include <rowsPerTeam>

override LANES = 32u;
override GROUP = 128u;
// One more than the rows: the squares.
const SUMS = ROWS + 1u;

struct Params {
  nIn: u32,
  rowsQ: u32,
  rowsK: u32,
  rowsV: u32,
  groupsQ: u32,
  groupsQk: u32,
  // vec4<u32> a row.
  stepQ: u32,
  stepK: u32,
  stepV: u32,
  eps: f32,
  tapNorm: u32,
  tapQkv: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weightsQ: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightsK: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> weightsV: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> taps: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/normed_x.wgsl"
#include "decode/lib/team_dot.wgsl" as Q
#include "decode/lib/team_dot.wgsl" as K
#include "decode/lib/team_dot.wgsl" as V

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let member = lane % LANES;
  let perGroup = GROUP / LANES * ROWS;
  var first = group.x * perGroup + lane / LANES * ROWS;
  var rows = params.rowsQ;
  var to = 0u;
  var dots: array<f32, ROWS>;
  if (group.x < params.groupsQ) {
    dots = dotRowsQ(rowPlacesQ(first, rows, params.stepQ), params.nIn, member);
  } else if (group.x < params.groupsQk) {
    first -= params.groupsQ * perGroup;
    rows = params.rowsK;
    to = params.rowsQ;
    dots = dotRowsK(rowPlacesK(first, rows, params.stepK), params.nIn, member);
  } else {
    first -= params.groupsQk * perGroup;
    rows = params.rowsV;
    to = params.rowsQ + params.rowsK;
    dots = dotRowsV(rowPlacesV(first, rows, params.stepV), params.nIn, member);
  }
  var sums: array<f32, SUMS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = dots[r];
  }
  sums[ROWS] = squares;
  let totals = teamTotals(sums, lane);
  let scale = normScale(totals[ROWS]);
  for (var r = 0u; r < ROWS; r++) {
    if (member == r % LANES && first + r < rows) {
      let value = totals[r] * scale;
      y[to + first + r] = value;
      tap(params.tapQkv, to + first + r, value);
    }
  }
  if (group.x == 0u) {
    tapNormed(params.tapNorm, scale, lane);
  }
}

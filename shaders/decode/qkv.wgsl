#include <totals>
// y = (q, k, v) = W (gain * x) * inverseSqrt(sum x^2 / nIn + eps): RMSNorm and the three projections of one token.
// nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; Wq (rowsQ, nIn), Wk (rowsK, nIn), Wv (rowsV, nIn), each of its own type; y (rowsQ + rowsK + rowsV). f32 sums.
// Workgroups below groupsQ are q's, below groupsQk k's, the others v's.
#include "decode/lib/team.wgsl"

const SUMS = ROWS + 1u;

struct Params {
  // Times that a team takes ROWS rows.
  batches: u32,
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
  squareCount: u32,
  tapNorm: u32,
  tapQkv: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weightsQ: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weightsK: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightsV: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> taps: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/stream_x.wgsl"
#include "decode/lib/take_normed.wgsl"
#include "decode/lib/team_dot.wgsl" as Q
#include "decode/lib/team_dot.wgsl" as K
#include "decode/lib/team_dot.wgsl" as V

// Where the matrix's rows go.
var<private> to: u32;

fn emit(row: u32, value: f32) {
  y[to + row] = value;
  tap(params.tapQkv, to + row, value);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  laneSquares = someSquares(lane % LANES);
  let step = GROUP / LANES * ROWS;
  let perGroup = step * params.batches;
  let own = lane / LANES * ROWS;
  if (group.x < params.groupsQ) {
    endRow = params.rowsQ;
    walkRowsQ(group.x * perGroup + own, step, params.batches, 0u, params.rowsQ, params.stepQ, lane);
    if (group.x == 0u) {
      tapNormed(params.tapNorm, scale, lane);
    }
  } else if (group.x < params.groupsQk) {
    to = params.rowsQ;
    endRow = params.rowsK;
    walkRowsK((group.x - params.groupsQ) * perGroup + own, step, params.batches, 0u, params.rowsK, params.stepK, lane);
  } else {
    to = params.rowsQ + params.rowsK;
    endRow = params.rowsV;
    walkRowsV((group.x - params.groupsQk) * perGroup + own, step, params.batches, 0u, params.rowsV, params.stepV, lane);
  }
}

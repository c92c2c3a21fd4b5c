#include <totals>
// y = (q, k, v) = W (gain * x) * inverseSqrt(sum x^2 / nIn + eps): RMSNorm and the three projections of one token.
// nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares. W lies in up to three matrices A, B, C, each of its own type: q, k and v,
// or those of one type as one matrix; y their rows one after another. f32 sums.
// Workgroups below groupsA are A's, below groupsAb B's, the others C's.
#include "fusions/lib/lane_group.wgsl"

struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rowsA: u32,
  rowsB: u32,
  rowsC: u32,
  groupsA: u32,
  groupsAb: u32,
  // vec4s a row.
  stepA: u32,
  stepB: u32,
  stepC: u32,
  eps: f32,
  squareCount: u32,
  captureNorm: u32,
  captureQkv: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weightsA: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weightsB: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightsC: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> captures: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/stream_x.wgsl"
#include "fusions/lib/take_normed.wgsl"
#include <rows> as A
#include <rows> as B
#include <rows> as C

// Where the matrix's rows go.
var<private> to: u32;

fn emit(row: u32, value: f32) {
  y[to + row] = value;
  capture(params.captureQkv, to + row, value);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let squares = someSquares(lane % LANES);
  let step = GROUP / LANES;
  let perGroup = step * params.batches;
  let own = lane / LANES;
  var first = group.x * perGroup + own;
  var rows = params.rowsA;
  var sums: vec4<f32>;
  if (group.x < params.groupsA) {
    prepareWeightsA(lane, GROUP);
    sums = walkRowsA(first, step, params.batches, 0u, rows, params.stepA, lane);
  } else if (group.x < params.groupsAb) {
    to = params.rowsA;
    rows = params.rowsB;
    first -= params.groupsA * perGroup;
    prepareWeightsB(lane, GROUP);
    sums = walkRowsB(first, step, params.batches, 0u, rows, params.stepB, lane);
  } else {
    to = params.rowsA + params.rowsB;
    rows = params.rowsC;
    first -= params.groupsAb * perGroup;
    prepareWeightsC(lane, GROUP);
    sums = walkRowsC(first, step, params.batches, 0u, rows, params.stepC, lane);
  }
  let scale = takeRows(first, step, rows, sums, squares, lane);
  if (group.x == 0u) {
    captureNormed(params.captureNorm, scale, lane);
  }
}

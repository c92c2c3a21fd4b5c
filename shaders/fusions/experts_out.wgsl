#include <totals>
// The second half of the experts of one token: y = residual + sum over slots, in slot order, of weight[slot] * W[e] x[slot].
// nIn is N_IN. x (nUsed, nIn), each slot folded; W (experts, rows, nIn); route: chosen experts (nUsed), bits of their weights (nUsed); residual (rows); y a stream (lib/places.wgsl). f32 sums.
// Lane group t of a workgroup takes a row of slot t % nUsed; row lane group t / nUsed. GROUP is LANES * USED * row lane groups.
#include "fusions/lib/lane_group.wgsl"

override USED = 8u;
struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rows: u32,
  step: u32,
  captureExperts: u32,
  captureSum: u32,
  captureResidual: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> route: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> gain: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> captures: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/write_stream.wgsl"
#include "fusions/lib/lane_group_dot.wgsl"

var<workgroup> products: array<f32, 4u * (GROUP / LANES)>;
var<workgroup> squares: array<f32, 4u * (GROUP / LANES)>;
var<workgroup> slotWeights: array<f32, USED>;
// Where the slot's x begins.
var<private> xFirst: u32;

fn xAt(column: u32) -> vec4<f32> {
  return x[xFirst + folded(column, foldBlocks(N_IN))];
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  prepareWeights(lane, GROUP);
  let rowLaneGroups = GROUP / LANES / USED;
  let perGroup = rowLaneGroups * params.batches;
  // A lane ends a row: what that takes is on its way while the products are computed.
  let row = group.x * perGroup + lane;
  let ends = lane < perGroup && row < params.rows;
  var before = 0.0;
  var rowGain = 0.0;
  if (ends) {
    before = residual[row];
    rowGain = gain[row];
  }
  if (lane < USED) {
    slotWeights[lane] = bitcast<f32>(route[USED + lane]);
  }
  let laneGroup = lane / LANES;
  let slot = laneGroup % USED;
  let member = lane % LANES;
  xFirst = slot * 32u * foldBlocks(N_IN);
  let first = group.x * perGroup + laneGroup / USED;
  let expertRow = route[slot] * params.rows;
  let totals = laneGroupTotals(walkRows(first, rowLaneGroups, params.batches, expertRow, params.rows, params.step, lane), lane);
  // Product b of lane group t at 4 t + b.
  if (member < 4u) {
    let product = pickOf(totals, member);
    products[4u * laneGroup + member] = product;
    let outRow = first + member * rowLaneGroups;
    if (member < params.batches && outRow < params.rows) {
      capture(params.captureExperts, slot * params.rows + outRow, product);
    }
  }
  workgroupBarrier();
  var square = 0.0;
  if (ends) {
    let at = 4u * USED * (lane % rowLaneGroups) + lane / rowLaneGroups;
    var sum = 0.0;
    for (var s = 0u; s < USED; s++) {
      sum += slotWeights[s] * products[at + 4u * s];
    }
    let value = before + sum;
    square = value * value;
    writeStream(params.rows, row, value, rowGain);
    capture(params.captureSum, row, sum);
    capture(params.captureResidual, row, value);
  }
  if (lane < perGroup) {
    squares[lane] = square;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var all = 0.0;
    for (var i = 0u; i < perGroup; i++) {
      all += squares[i];
    }
    writeSquares(params.rows, group.x, all);
  }
}

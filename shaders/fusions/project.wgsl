#include <totals>
// y = residual + W x: the output projection and the residual of one token. nIn is N_IN. x (nIn), folded; W (rows, nIn); residual (rows);
// y a stream (lib/places.wgsl), a sum of squares for each workgroup. f32 sums.
#include "fusions/lib/lane_group.wgsl"

struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rows: u32,
  step: u32,
  captureProduct: u32,
  captureSum: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> residual: array<f32>;
@group(0) @binding(2) var<storage, read> gain: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> captures: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/write_stream.wgsl"

fn xAt(column: u32) -> vec4<f32> {
  return x[folded(column, foldBlocks(N_IN))];
}

#include "fusions/lib/lane_group_dot.wgsl"

var<workgroup> products: array<f32, 4u * (GROUP / LANES)>;
var<workgroup> squares: array<f32, 4u * (GROUP / LANES)>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  prepareWeights(lane, GROUP);
  let rowLaneGroups = GROUP / LANES / SHARE;
  let perGroup = rowLaneGroups * params.batches;
  // A lane ends a row: what that takes is on its way while the product is computed.
  let row = group.x * perGroup + lane;
  let ends = lane < perGroup && row < params.rows;
  var before = 0.0;
  var rowGain = 0.0;
  if (ends) {
    before = residual[row];
    rowGain = gain[row];
  }
  let laneGroup = lane / LANES;
  share = laneGroup % SHARE;
  let first = group.x * perGroup + laneGroup / SHARE;
  let totals = laneGroupTotals(walkRows(first, rowLaneGroups, params.batches, 0u, params.rows, params.step, lane), lane);
  // Product b of lane group t at 4 t + b.
  let member = lane % LANES;
  if (member < 4u) {
    products[4u * laneGroup + member] = pickOf(totals, member);
  }
  workgroupBarrier();
  var square = 0.0;
  if (ends) {
    let at = 4u * SHARE * (lane % rowLaneGroups) + lane / rowLaneGroups;
    var product = 0.0;
    for (var i = 0u; i < SHARE; i++) {
      product += products[at + 4u * i];
    }
    let sum = before + product;
    square = sum * sum;
    writeStream(params.rows, row, sum, rowGain);
    capture(params.captureProduct, row, product);
    capture(params.captureSum, row, sum);
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

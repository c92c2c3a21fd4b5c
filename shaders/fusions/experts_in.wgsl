#include <totals>
// The first half of the experts of one token: y[slot] = silu(gate) * up, gate and up = W[e] (gain * x) * scale, e the slot's expert.
// nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; Wgate, Wup (experts, rows, nIn), of one type or of two; y (nUsed, rows), each slot folded. Grid: x 1 + row groups, y slots. f32 sums.
// Every workgroup finds its expert among the router's keys (<choose>). Group x = 0, y = 0 makes `route`: the chosen experts (nUsed), then the bits of
// their weights p_e / max(sum of the chosen p, 2^-14) (nUsed), p the softmax over all experts.
#include "fusions/lib/lane_group.wgsl"

// Experts, rounded up to a multiple of 32.
override EXPERTS = 128u;
override USED = 8u;
const SMALLEST_SUM: f32 = 6.103515625e-5; // 2^-14

struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rows: u32,
  nExpert: u32,
  stepGate: u32,
  stepUp: u32,
  // The experts of this dispatch, and the first ones that Wgate and Wup hold.
  firstExpert: u32,
  endExpert: u32,
  firstGate: u32,
  firstUp: u32,
  eps: f32,
  squareCount: u32,
  captureProbs: u32,
  captureIndices: u32,
  captureRouter: u32,
  captureGate: u32,
  captureUp: u32,
  captureSwiglu: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> router: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weightsGate: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightsUp: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> route: array<u32>;
@group(0) @binding(6) var<storage, read_write> captures: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/stream_x.wgsl"
#include <choose>
#include "fusions/lib/lane_group_dot.wgsl" as Gate
#include "fusions/lib/lane_group_dot.wgsl" as Up

// A lane's share of up to four rows of each.
struct Pairs {
  gate: vec4<f32>,
  up: vec4<f32>,
}

#include <pair>

var<workgroup> chosen: u32;
var<workgroup> topLogits: array<f32, USED>;
var<workgroup> parts: array<f32, GROUP>;

fn logitOf(expert: u32) -> f32 {
  return bitcast<f32>(router[EXPERTS / 4u + (expert >> 2u)][expert & 3u]);
}

// Softmax over all experts, the chosen ones and their weights. Nothing here walks along all experts: the whole dispatch waits.
fn makeRoute(lane: u32) {
  workgroupBarrier();
  if (lane < USED) {
    let expert = ranked[lane];
    topLogits[lane] = logitOf(expert);
    route[lane] = expert;
    if (params.captureIndices != NOWHERE) {
      captures[params.captureIndices + lane] = expert;
    }
  }
  workgroupBarrier();
  let highest = topLogits[0];
  var part = 0.0;
  for (var e = lane; e < params.nExpert; e += GROUP) {
    part += exp(logitOf(e) - highest);
  }
  parts[lane] = part;
  workgroupBarrier();
  // Eight lanes add up an eighth each, every lane adds up those.
  part = 0.0;
  if (lane < 8u) {
    for (var i = 0u; i < GROUP / 8u; i++) {
      part += parts[8u * i + lane];
    }
  }
  workgroupBarrier();
  if (lane < 8u) {
    parts[lane] = part;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8u; i++) {
    total += parts[i];
  }
  if (params.captureProbs != NOWHERE) {
    for (var e = lane; e < params.nExpert; e += GROUP) {
      capture(params.captureProbs, e, exp(logitOf(e) - highest) / total);
    }
  }
  if (lane < USED) {
    var sum = 0.0;
    for (var slot = 0u; slot < USED; slot++) {
      sum += exp(topLogits[slot] - highest) / total;
    }
    let weight = exp(topLogits[lane] - highest) / total / max(sum, SMALLEST_SUM);
    route[USED + lane] = bitcast<u32>(weight);
    capture(params.captureRouter, lane, weight);
  }
}

fn silu(g: f32) -> f32 {
  // exp(-|g|) never overflows.
  let e = exp(-abs(g));
  return g * select(1.0, e, g < 0.0) / (1.0 + e);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let squares = someSquares(lane % LANES);
  let makes = group.x == 0u;
  if (makes && (group.y > 0u || params.firstExpert > 0u)) {
    return;
  }
  if (!makes) {
    prepareWeightsGate(lane, GROUP);
    prepareWeightsUp(lane, GROUP);
  }
  let slot = group.y;
  var expert = chooseExperts(slot, makes, lane);
  if (makes) {
    makeRoute(lane);
    return;
  }
  if (params.endExpert - params.firstExpert < params.nExpert) {
    chosen = expert;
    expert = workgroupUniformLoad(&chosen);
    if (expert < params.firstExpert || expert >= params.endExpert) {
      return;
    }
  }
  let step = GROUP / LANES;
  let first = (group.x - 1u) * step * params.batches + lane / LANES;
  let gateRow = (expert - params.firstGate) * params.rows;
  let upRow = (expert - params.firstUp) * params.rows;
  let pairs = walkPairs(first, step, gateRow, upRow, lane);
  let scale = normScale(laneGroupTotal(squares, lane));
  let gates = laneGroupTotals(pairs.gate, lane) * scale;
  let ups = laneGroupTotals(pairs.up, lane) * scale;
  let member = lane % LANES;
  let row = first + member * step;
  if (member < params.batches && row < params.rows) {
    let gate = pickOf(gates, member);
    let up = pickOf(ups, member);
    let value = silu(gate) * up;
    let blocks = foldBlocks(params.rows);
    let to = slot * params.rows + row;
    y[slot * 128u * blocks + foldedValue(row, blocks)] = value;
    capture(params.captureGate, to, gate);
    capture(params.captureUp, to, up);
    capture(params.captureSwiglu, to, value);
  }
}

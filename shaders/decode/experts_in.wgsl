#include <totals>
// The first half of the experts of one token: y[slot] = silu(gate) * up, gate and up = W[e] (gain * x) * scale, e the slot's expert.
// nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; Wgate, Wup (experts, rows, nIn), of one type or of two; y (nUsed, rows), each slot folded. Grid: x 1 + row groups, y slots. f32 sums.
// Every workgroup finds its expert among the router's keys. Group x = 0, y = 0 makes `route`: the chosen experts (nUsed), then the bits of
// their weights p_e / max(sum of the chosen p, 2^-14) (nUsed), p the softmax over all experts.
#include "decode/lib/team.wgsl"

// Experts, rounded up to a multiple of 32.
override EXPERTS = 128u;
override USED = 8u;
// gate, up, squares.
const SUMS = 2u * ROWS + 1u;
const SMALLEST_SUM: f32 = 6.103515625e-5; // 2^-14
const LOWEST: f32 = -3.4028234e38;

struct Params {
  // Times that a team takes ROWS rows.
  batches: u32,
  rows: u32,
  nExpert: u32,
  nUsed: u32,
  stepGate: u32,
  stepUp: u32,
  // The experts of this dispatch, and the first ones that Wgate and Wup hold.
  firstExpert: u32,
  endExpert: u32,
  firstGate: u32,
  firstUp: u32,
  eps: f32,
  squareCount: u32,
  tapProbs: u32,
  tapIndices: u32,
  tapRouter: u32,
  tapGate: u32,
  tapUp: u32,
  tapSwiglu: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> router: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weightsGate: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightsUp: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> route: array<u32>;
@group(0) @binding(6) var<storage, read_write> taps: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/stream_x.wgsl"
#include "decode/lib/choose_experts.wgsl"
#include "decode/lib/team_dot.wgsl" as Gate
#include "decode/lib/team_dot.wgsl" as Up
#include <pair>

var<workgroup> chosen: u32;
var<workgroup> exponentials: array<f32, EXPERTS>;
var<workgroup> top: array<f32, USED>;

// Softmax over all experts, the chosen ones and their weights.
fn makeRoute(lane: u32) {
  var highest = LOWEST;
  for (var e = 0u; e < params.nExpert; e++) {
    highest = max(highest, logitOf(e));
  }
  for (var e = lane; e < params.nExpert; e += GROUP) {
    exponentials[e] = exp(logitOf(e) - highest);
  }
  workgroupBarrier();
  var total = 0.0;
  for (var e = 0u; e < params.nExpert; e++) {
    total += exponentials[e];
  }
  for (var e = lane; e < params.nExpert; e += GROUP) {
    let p = exponentials[e] / total;
    tap(params.tapProbs, e, p);
    let rank = rankOf(e);
    if (rank < params.nUsed) {
      top[rank] = p;
      route[rank] = e;
      if (params.tapIndices != NOWHERE) {
        taps[params.tapIndices + rank] = e;
      }
    }
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var slot = 0u; slot < params.nUsed; slot++) {
    sum += top[slot];
  }
  for (var slot = lane; slot < params.nUsed; slot += GROUP) {
    let weight = top[slot] / max(sum, SMALLEST_SUM);
    route[params.nUsed + slot] = bitcast<u32>(weight);
    tap(params.tapRouter, slot, weight);
  }
}

// someSquares of this lane.
var<private> laneSquares: f32;

// Adds up a batch of rows of both, and writes what comes of them.
fn takePairs(first: u32, slot: u32, gates: array<f32, ROWS>, ups: array<f32, ROWS>, lane: u32) {
  let member = lane % LANES;
  let blocks = foldBlocks(params.rows);
  var sums: array<f32, SUMS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = gates[r];
    sums[ROWS + r] = ups[r];
  }
  sums[2u * ROWS] = laneSquares;
  let totals = teamTotals(sums, lane);
  let scale = normScale(totals[2u * ROWS]);
  for (var r = 0u; r < ROWS; r++) {
    if (member == r % LANES && first + r < params.rows) {
      let gate = totals[r] * scale;
      let up = totals[ROWS + r] * scale;
      let value = silu(gate) * up;
      let to = slot * params.rows + first + r;
      y[slot * 128u * blocks + foldedValue(first + r, blocks)] = value;
      tap(params.tapGate, to, gate);
      tap(params.tapUp, to, up);
      tap(params.tapSwiglu, to, value);
    }
  }
}

fn silu(g: f32) -> f32 {
  // exp(-|g|) never overflows.
  let e = exp(-abs(g));
  return g * select(1.0, e, g < 0.0) / (1.0 + e);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  if (group.x == 0u) {
    if (group.y == 0u && params.firstExpert == 0u) {
      makeRoute(lane);
    }
    return;
  }
  let slot = group.y;
  laneSquares = someSquares(lane % LANES);
  for (var e = lane; e < params.nExpert; e += GROUP) {
    if (rankOf(e) == slot) {
      chosen = e;
    }
  }
  let expert = workgroupUniformLoad(&chosen);
  if (expert < params.firstExpert || expert >= params.endExpert) {
    return;
  }
  let step = GROUP / LANES * ROWS;
  let first = (group.x - 1u) * step * params.batches + lane / LANES * ROWS;
  let gateRow = (expert - params.firstGate) * params.rows;
  let upRow = (expert - params.firstUp) * params.rows;
  walkPairs(first, step, gateRow, upRow, slot, lane);
}

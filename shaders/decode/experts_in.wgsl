#include <totals>
// The first half of the experts of one token: y[slot] = silu(gate) * up, gate and up = W[e] (gain * x) * scale, e the slot's expert.
// nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; Wgate, Wup (experts, rows, nIn), of one type or of two; y (nUsed, rows), each slot folded. Grid: x 1 + row groups, y slots. f32 sums.
// Every workgroup finds its expert among the router's keys. Group x = 0, y = 0 makes `route`: the chosen experts (nUsed), then the bits of
// their weights p_e / max(sum of the chosen p, 2^-14) (nUsed), p the softmax over all experts.
#include "decode/lib/team.wgsl"

// Experts, rounded up to a multiple of 32.
override EXPERTS = 128u;
override USED = 8u;
const SMALLEST_SUM: f32 = 6.103515625e-5; // 2^-14
const LOWEST: f32 = -3.4028234e38;

struct Params {
  // Rows that a team takes.
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

var<private> slot: u32;

// Adds up a row of both, and writes what comes of it.
fn takePair(row: u32, own: vec2<f32>, lane: u32) {
  let totals = teamTotals(vec3(own, laneSquares), lane);
  if (lane % LANES == 0u && row < params.rows) {
    let pair = totals.xy * normScale(totals.z);
    let value = silu(pair.x) * pair.y;
    let blocks = foldBlocks(params.rows);
    let to = slot * params.rows + row;
    y[slot * 128u * blocks + foldedValue(row, blocks)] = value;
    tap(params.tapGate, to, pair.x);
    tap(params.tapUp, to, pair.y);
    tap(params.tapSwiglu, to, value);
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
  slot = group.y;
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
  let step = GROUP / LANES;
  let first = (group.x - 1u) * step * params.batches + lane / LANES;
  let gateRow = (expert - params.firstGate) * params.rows;
  let upRow = (expert - params.firstUp) * params.rows;
  walkPairs(first, step, gateRow, upRow, lane);
}

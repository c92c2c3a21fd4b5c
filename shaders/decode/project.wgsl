#include <totals>
// y = residual + W a: attention's splits joined, the output projection and the residual of one token.
//   a[h][d] = sum_s exp(m_s - M) p_s[d] / sum_s exp(m_s - M) l_s, M the largest m_s of the head
// nIn is N_IN = nHead * headDim. parts: (splits, nHead, headDim) of p, then (splits, nHead) pairs (m, l); step: position, splits.
// W (rows, nIn); residual, y (rows). f32 sums, splits in order.
#include "decode/lib/team.wgsl"

const SUMS = ROWS;

struct Params {
  rows: u32,
  step: u32,
  nHead: u32,
  // vec4s.
  headVec4s: u32,
  // Whether attention_join.wgsl made one split of all.
  isJoined: u32,
  tapScores: u32,
  tapSoftmax: u32,
  tapAttention: u32,
  tapProduct: u32,
  tapSum: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> taps: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/join_splits.wgsl"

fn splitCount() -> u32 {
  return select(step[1], 1u, params.isJoined == 1u);
}

fn sourceX(column: u32) -> vec4<f32> {
  return joined(column / params.headVec4s, column, splitCount());
}

#include <x>
#include "decode/lib/team_dot.wgsl"

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let member = lane % LANES;
  for (var b = 0u; b < BATCHES; b++) {
    let first = ((group.x * BATCHES + b) * (GROUP / LANES) + lane / LANES) * ROWS;
    let places = rowPlaces(first, params.rows, params.step);
    let loaded = loadRows(places, firstUnit(member));
    if (b == 0u) {
      fillX(lane);
      workgroupBarrier();
    }
    let totals = teamTotals(dotRows(places, member, loaded), lane);
    for (var r = 0u; r < ROWS; r++) {
      let row = first + r;
      if (member == r % LANES && row < params.rows) {
        let sum = residual[row] + totals[r];
        y[row] = sum;
        tap(params.tapProduct, row, totals[r]);
        tap(params.tapSum, row, sum);
      }
    }
  }
  if (group.x == 0u) {
    tapAttention(lane);
  }
}

// What attention leaves unfinished, for whoever captures it: one workgroup's work.
fn tapAttention(lane: u32) {
  if (params.tapAttention != NOWHERE) {
    for (var c = lane; c < N_IN / 4u; c += GROUP) {
      let value = sourceX(c);
      for (var k = 0u; k < 4u; k++) {
        tap(params.tapAttention, 4u * c + k, value[k]);
      }
    }
  }
  if (params.tapSoftmax != NOWHERE) {
    // The scores are captured whenever the softmax is.
    let count = step[0] + 1u;
    for (var i = lane; i < params.nHead * count; i += GROUP) {
      let norm = headNorm(i / count, splitCount());
      let score = bitcast<f32>(taps[params.tapScores + i]);
      tap(params.tapSoftmax, i, exp(score - norm.x) / norm.y);
    }
  }
}

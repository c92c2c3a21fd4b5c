// Joins the splits of a token's attention (fusions/lib/attention.wgsl): y[h][d] = sum_s exp(m_s - M) p_s[d] / sum_s exp(m_s - M) l_s, M the
// largest m_s; y (nHead, headDim), folded. parts: (splits, nHead, headDim) of p, then (splits, nHead) pairs (m, l). One lane a value; splits in
// order. f32. An m that is NaN makes all of its head NaN.
struct Params {
  nHead: u32,
  headDim: u32,
  captureScores: u32,
  captureSoftmax: u32,
  captureAttention: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> captures: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/places.wgsl"
#include "lib/non_finite.wgsl"

const GROUP: u32 = 64u;
// At most GROUP, and a multiple of 8.
override MOST_SPLITS = 32u;
const LOWEST: f32 = -1e30;

var<workgroup> pairs: array<vec2<f32>, MOST_SPLITS>;

// Workgroups: x pieces of GROUP channels of a head, y heads.
@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.y;
  let d = group.x * GROUP + lane;
  let splits = step[1];
  let all = params.nHead * params.headDim;
  if (lane < MOST_SPLITS) {
    pairs[lane] = vec2(LOWEST, 0.0);
    if (lane < splits) {
      let at = splits * all + 2u * (lane * params.nHead + head);
      pairs[lane] = vec2(parts[at], parts[at + 1u]);
    }
  }
  workgroupBarrier();
  var top = LOWEST;
  var spoilt = false;
  for (var s = 0u; s < MOST_SPLITS; s++) {
    top = max(top, pairs[s].x);
    spoilt = spoilt || spoils(pairs[s].x);
  }
  var sum = 0.0;
  var value = 0.0;
  let channel = head * params.headDim + min(d, params.headDim - 1u);
  // Eight loads at a time; splits beyond the last weigh nothing.
  for (var first = 0u; first < splits; first += 8u) {
    for (var i = 0u; i < 8u; i++) {
      let s = first + i;
      let weight = select(0.0, exp(pairs[s].x - top), s < splits);
      value += weight * parts[min(s, splits - 1u) * all + channel];
      sum += weight * pairs[s].y;
    }
  }
  if (d < params.headDim) {
    let joined = orNaN(value / sum, spoilt);
    y[foldedValue(channel, foldBlocks(all))] = joined;
    capture(params.captureAttention, channel, joined);
  }
  if (params.captureSoftmax != NOWHERE && group.x == 0u) {
    // The scores are captured whenever the softmax is.
    let count = step[0] + 1u;
    for (var j = lane; j < count; j += GROUP) {
      let score = bitcast<f32>(captures[params.captureScores + head * count + j]);
      capture(params.captureSoftmax, head * count + j, orNaN(exp(score - top) / sum, spoilt));
    }
  }
}

// indices[t][rank] = the expert whose probability is the rank-th highest of token t, for rank < nUsed; ties to the lower index.
// probs (tokens, nExpert) as bit patterns; indices (tokens, nUsed). Where nOpen is not 0, experts lie in groups of groupSize neighbours, and
// only those of the groups open (tokens, nOpen) have a rank.
// One lane an expert: its rank is the number of experts that come before it. (order, index) is a strict total order, so that ranks
// are a permutation whatever the bits are: nUsed distinct experts in range, always. NaN comes last. Integers only: WGSL may assume
// that no float is NaN.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  nExpert: u32,
  nUsed: u32,
  groupSize: u32,
  nOpen: u32,
}

@group(0) @binding(0) var<storage, read> probs: array<u32>;
@group(0) @binding(1) var<storage, read> open: array<u32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

// A u32 that orders as the f32 with these bits does: NaN is 0, below -Inf; the two zeros are equal.
fn orderOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0u;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn isOpen(token: u32, expert: u32) -> bool {
  if (params.nOpen == 0u) {
    return true;
  }
  for (var i = token * params.nOpen; i < (token + 1u) * params.nOpen; i++) {
    if (open[i] == expert / params.groupSize) {
      return true;
    }
  }
  return false;
}

fn compute(index: u32) {
  let token = index / params.nExpert;
  let expert = index - token * params.nExpert;
  let first = token * params.nExpert;
  let own = orderOf(probs[index]);
  var rank = 0u;
  for (var other = 0u; other < params.nExpert; other++) {
    let theirs = orderOf(probs[first + other]);
    if ((theirs > own || (theirs == own && other < expert)) && isOpen(token, other)) {
      rank++;
    }
  }
  if (rank < params.nUsed && isOpen(token, expert)) {
    indices[token * params.nUsed + rank] = expert;
  }
}

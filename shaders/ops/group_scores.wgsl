// scores[t][g] = the sum of the two largest of group g of token t.
// x (tokens, groups * size), scores (tokens, groups), count = tokens * groups: one lane a group. A NaN makes its group's score one. f32.
#include "lib/grid.wgsl"
#include "lib/non_finite.wgsl"

// Smaller than every sum of finite values that a router gives.
const LOWEST = -3.4028234663852886e38;

struct Params {
  count: u32,
  size: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(group: u32) {
  var best = LOWEST;
  var second = LOWEST;
  var spoilt = 0u;
  for (var i = group * params.size; i < (group + 1u) * params.size; i++) {
    let value = x[i];
    spoilt = select(spoilt, bitcast<u32>(value), isNan(value));
    second = max(second, min(best, value));
    best = max(best, value);
  }
  scores[group] = select(best + second, bitcast<f32>(spoilt), spoilt != 0u);
}

// The first of the largest values of each part of x: parts[group] = (key, index). x (count), as bit patterns. NaN is below all else.
#include "lib/order.wgsl"
#include "sampling/best.wgsl"

struct Params {
  count: u32,
  // Values a workgroup.
  perGroup: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> parts: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let end = min(params.count, (group.x + 1u) * params.perGroup);
  var own = vec2(0u, 0xffffffffu);
  for (var i = group.x * params.perGroup + lane; i < end; i += LANES) {
    own = better(own, vec2(orderOf(x[i]), i));
  }
  let best = bestOf(own, lane);
  if (lane == 0u) {
    parts[group.x] = best;
  }
}

// token[0] and result[0] = the index of the best of `parts` (count). One workgroup.
#include "sampling/best.wgsl"

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> token: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var own = vec2(0u, 0xffffffffu);
  for (var i = lane; i < params.count; i += LANES) {
    own = better(own, parts[i]);
  }
  let best = bestOf(own, lane);
  if (lane == 0u) {
    token[0] = best.y;
  }
}

// Q4_1: f16 d, f16 m, 16 bytes of nibbles. w = d q + m
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/with_low.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 20u;
const SCALE_AT = 0u;
const LOW_AT = 2u;
const MAX_Q = 15u;
const MAX_LOW = 1u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 4u + 4u * w);
    group.q[w] = nibbles & 0x0F0F0F0Fu;
    group.q[w + 4u] = (nibbles >> 4u) & 0x0F0F0F0Fu;
  }
  group.scale = vec2(1, 1);
  group.low = vec2(1, 1);
  return group;
}

// Q2_K: 16 x (4 bits scale, 4 bits minimum), 64 bytes of 2-bit codes, f16 d, f16 dmin. w = d sc q - dmin m, 16 values a scale
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/with_low.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 84u;
const SCALE_AT = 80u;
const LOW_AT = 82u;
const MAX_Q = 45u;
const MAX_LOW = 15u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 8u; w++) {
    group.q[w] = (wordAt(block + 16u + 32u * (g >> 2u) + 4u * w) >> (2u * (g & 3u))) & 0x03030303u;
  }
  let first = byteAt(block + 2u * g);
  let second = byteAt(block + 2u * g + 1u);
  group.scale = vec2(i32(first & 15u), i32(second & 15u));
  group.low = -vec2(i32(first >> 4u), i32(second >> 4u));
  return group;
}

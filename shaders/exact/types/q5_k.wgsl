// Q5_K: as Q4_K with 32 bytes of fifth bits (bit g of byte l: group g, value l) before the nibbles
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/with_low.wgsl"
#include "exact/types/six_bits.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 176u;
const SCALE_AT = 0u;
const LOW_AT = 2u;
const MAX_Q = 1953u;
const MAX_LOW = 63u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 8u; w++) {
    let low = (wordAt(block + 48u + 32u * (g >> 1u) + 4u * w) >> (4u * (g & 1u))) & 0x0F0F0F0Fu;
    let fifth = (wordAt(block + 16u + 4u * w) >> g) & 0x01010101u;
    group.q[w] = low | (fifth << 4u);
  }
  let small = sixBits(block + 4u, g);
  group.scale = small.xx;
  group.low = -small.yy;
  return group;
}

// Q4_K: f16 d, f16 dmin, 8 scales and 8 minima of 6 bits, 128 bytes of nibbles. w = d sc q - dmin m, 32 values a scale
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/with_low.wgsl"
#include "exact/types/six_bits.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 144u;
const SCALE_AT = 0u;
const LOW_AT = 2u;
const MAX_Q = 945u;
const MAX_LOW = 63u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 8u; w++) {
    group.q[w] = (wordAt(block + 16u + 32u * (g >> 1u) + 4u * w) >> (4u * (g & 1u))) & 0x0F0F0F0Fu;
  }
  let small = sixBits(block + 4u, g);
  group.scale = small.xx;
  group.low = -small.yy;
  return group;
}

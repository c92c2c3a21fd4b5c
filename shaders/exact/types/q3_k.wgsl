// Q3_K: 32 bytes of high bits, 64 bytes of 2-bit codes, 16 scales of 6 bits, f16 d. w = d (sc - 32) (q - 4), 16 values a scale
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 110u;
const SCALE_AT = 108u;

fn smallScale(block: u32, i: u32) -> i32 {
  let low = (byteAt(block + 96u + (i & 7u)) >> (4u * (i >> 3u))) & 15u;
  let high = (byteAt(block + 104u + (i & 3u)) >> (2u * (i >> 2u))) & 3u;
  return i32(low | (high << 4u)) - 32;
}

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 8u; w++) {
    let low = (wordAt(block + 32u + 32u * (g >> 2u) + 4u * w) >> (2u * (g & 3u))) & 0x03030303u;
    let high = (wordAt(block + 4u * w) >> g) & 0x01010101u;
    group.q[w] = centred(low | (high << 2u), 0x04040404u, 62u);
  }
  group.scale = vec2(smallScale(block, 2u * g), smallScale(block, 2u * g + 1u));
  return group;
}

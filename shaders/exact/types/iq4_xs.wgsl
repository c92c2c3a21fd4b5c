// IQ4_XS: f16 d, 8 scales of 6 bits (high pairs in a u16, low nibbles in 4 bytes), 128 bytes of nibbles. w = d (sc - 32) level
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
#include "exact/types/levels.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 136u;
const SCALE_AT = 0u;
const LEVELS = array<u32, 4>(0xBFAD9881u, 0xF6EADDCFu, 0x26190D01u, 0x71594535u);

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 8u + 16u * g + 4u * w);
    group.q[w] = levels(nibbles & 0x0F0F0F0Fu);
    group.q[w + 4u] = levels((nibbles >> 4u) & 0x0F0F0F0Fu);
  }
  let low = (byteAt(block + 4u + (g >> 1u)) >> (4u * (g & 1u))) & 15u;
  let high = (halfAt(block + 2u) >> (2u * g)) & 3u;
  group.scale = vec2(i32(low | (high << 4u)) - 32);
  return group;
}

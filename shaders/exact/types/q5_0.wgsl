// Q5_0: f16 d, 32 fifth bits, 16 bytes of nibbles. w = d (q - 16)
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
#include "exact/types/fifth_bits.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 22u;
const SCALE_AT = 0u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  let bits = wordAt(block + 2u);
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 6u + 4u * w);
    group.q[w] = centred((nibbles & 0x0F0F0F0Fu) | fifthBits(bits, w), 0x10101010u, 14u);
    group.q[w + 4u] = centred(((nibbles >> 4u) & 0x0F0F0F0Fu) | fifthBits(bits, w + 4u), 0x10101010u, 14u);
  }
  group.scale = vec2(1, 1);
  return group;
}

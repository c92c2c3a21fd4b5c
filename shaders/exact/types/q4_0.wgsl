// Q4_0: f16 d, 16 bytes of nibbles (value j low, j + 16 high). w = d (q - 8)
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 18u;
const SCALE_AT = 0u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 2u + 4u * w);
    group.q[w] = centred(nibbles & 0x0F0F0F0Fu, 0x08080808u, 30u);
    group.q[w + 4u] = centred((nibbles >> 4u) & 0x0F0F0F0Fu, 0x08080808u, 30u);
  }
  group.scale = vec2(1, 1);
  return group;
}

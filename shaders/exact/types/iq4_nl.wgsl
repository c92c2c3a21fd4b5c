// IQ4_NL: f16 d, 16 bytes of nibbles (value j low, j + 16 high). w = d level
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
#include "exact/types/levels.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 18u;
const SCALE_AT = 0u;
// -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
const LEVELS = array<u32, 4>(0xBFAD9881u, 0xF6EADDCFu, 0x26190D01u, 0x71594535u);

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 4u; w++) {
    let nibbles = wordAt(block + 2u + 4u * w);
    group.q[w] = levels(nibbles & 0x0F0F0F0Fu);
    group.q[w + 4u] = levels((nibbles >> 4u) & 0x0F0F0F0Fu);
  }
  group.scale = vec2(1, 1);
  return group;
}

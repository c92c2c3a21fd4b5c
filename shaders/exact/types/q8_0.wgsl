// Q8_0: f16 d, 32 signed bytes. w = d q
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
const BLOCK_VALUES = 32u;
const BLOCK_BYTES = 34u;
const SCALE_AT = 0u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  for (var w = 0u; w < 8u; w++) {
    group.q[w] = wordAt(block + 2u + 4u * w);
  }
  group.scale = vec2(1, 1);
  return group;
}

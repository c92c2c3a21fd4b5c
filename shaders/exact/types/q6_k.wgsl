// Q6_K: 128 bytes of low nibbles, 64 bytes of high pairs, 16 signed scales, f16 d. w = d sc (q - 32), 16 values a scale
#include "exact/bytes.wgsl"
#include "exact/types/group.wgsl"
#include "exact/types/half_scale.wgsl"
#include "exact/types/no_low.wgsl"
const BLOCK_VALUES = 256u;
const BLOCK_BYTES = 210u;
const SCALE_AT = 208u;

fn groupAt(block: u32, g: u32) -> Group {
  var group: Group;
  let half = g >> 2u;
  let run = g & 3u;
  for (var w = 0u; w < 8u; w++) {
    let low = (wordAt(block + 64u * half + 32u * (run & 1u) + 4u * w) >> (4u * (run >> 1u))) & 0x0F0F0F0Fu;
    let high = (wordAt(block + 128u + 32u * half + 4u * w) >> (2u * run)) & 0x03030303u;
    group.q[w] = centred(low | (high << 4u), 0x20202020u, 6u);
  }
  group.scale = vec2(signedByteAt(block + 192u + 2u * g), signedByteAt(block + 193u + 2u * g));
  return group;
}

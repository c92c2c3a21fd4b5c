// IQ4_XS, super-blocks of 256, groups of 32: weight i of group g is d * (s_g - 32) * value[q_i], s_g of six bits.
// Nibbles of a group: byte i holds q_i low and q_(i+16) high.
// Row: plane of nibbles (128 bytes a super-block), plane of heads (d f16, high bits of s u16, low bits of s u32).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/iq4_values.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let group = unit & 7u;
  let heads = row + (nIn >> 5u);
  let head = planeWord(heads, 2u * block);
  let low = planeWord(heads, 2u * block + 1u);
  let s = ((low >> (4u * group)) & 15u) | (((head >> (16u + 2u * group)) & 3u) << 4u);
  return Unit(weights[row + unit], unpack2x16float(head).x * (f32(s) - 32.0));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let low = unit.nibbles & vec4(0x0f0f0f0fu);
  let high = (unit.nibbles >> vec4(4u)) & vec4(0x0f0f0f0fu);
  let d = unit.scale;
  return array<vec4<f32>, 8>(
    d * iq4Values(low.x), d * iq4Values(low.y), d * iq4Values(low.z), d * iq4Values(low.w),
    d * iq4Values(high.x), d * iq4Values(high.y), d * iq4Values(high.z), d * iq4Values(high.w),
  );
}

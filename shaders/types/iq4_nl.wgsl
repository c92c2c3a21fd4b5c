// IQ4_NL, blocks of 32: weight i is d * value[q_i]. Nibbles: byte i holds q_i low and q_(i+16) high.
// Row: plane of nibbles (16 bytes a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/iq4_values.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  return Unit(weights[row + unit], planeHalf(row + (nIn >> 5u), unit));
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

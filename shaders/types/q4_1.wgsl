// Q4_1, blocks of 32: weight i is d * q_i + m. Nibbles: byte i holds q_i low and q_(i+16) high.
// Row: plane of nibbles (16 bytes a block), plane of d and m (two f16 a word).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  scale: f32,
  offset: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let dm = unpack2x16float(planeWord(row + (nIn >> 5u), unit));
  return Unit(weights[row + unit], dm.x, dm.y);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let low = unit.nibbles & vec4(0x0f0f0f0fu);
  let high = (unit.nibbles >> vec4(4u)) & vec4(0x0f0f0f0fu);
  let d = unit.scale;
  let m = unit.offset;
  return array<vec4<f32>, 8>(
    d * unsignedBytes(low.x) + m, d * unsignedBytes(low.y) + m,
    d * unsignedBytes(low.z) + m, d * unsignedBytes(low.w) + m,
    d * unsignedBytes(high.x) + m, d * unsignedBytes(high.y) + m,
    d * unsignedBytes(high.z) + m, d * unsignedBytes(high.w) + m,
  );
}

// Q4_0, blocks of 32: weight i is d * (q_i - 8). Nibbles: byte i holds q_i low and q_(i+16) high.
// Row: plane of nibbles (16 bytes a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
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
    d * (unsignedBytes(low.x) - 8.0), d * (unsignedBytes(low.y) - 8.0),
    d * (unsignedBytes(low.z) - 8.0), d * (unsignedBytes(low.w) - 8.0),
    d * (unsignedBytes(high.x) - 8.0), d * (unsignedBytes(high.y) - 8.0),
    d * (unsignedBytes(high.z) - 8.0), d * (unsignedBytes(high.w) - 8.0),
  );
}

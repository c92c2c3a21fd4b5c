// Q5_0, blocks of 32: weight i is d * (q_i - 16). Nibbles: byte i holds the low four bits of q_i low and of q_(i+16) high.
// Row: plane of nibbles (16 bytes a block), plane of fifth bits (one word a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/fifth_bits.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  fifths: u32,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let blocks = nIn >> 5u;
  let fifths = row + blocks;
  return Unit(weights[row + unit], planeWord(fifths, unit), planeHalf(fifths + planeVec4s(4u * blocks), unit));
}

fn fourWeights(unit: Unit, nibbles: u32, group: u32) -> vec4<f32> {
  return unit.scale * (unsignedBytes(nibbles | fifthBits(unit.fifths, group)) - 16.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let low = unit.nibbles & vec4(0x0f0f0f0fu);
  let high = (unit.nibbles >> vec4(4u)) & vec4(0x0f0f0f0fu);
  return array<vec4<f32>, 8>(
    fourWeights(unit, low.x, 0u), fourWeights(unit, low.y, 1u),
    fourWeights(unit, low.z, 2u), fourWeights(unit, low.w, 3u),
    fourWeights(unit, high.x, 4u), fourWeights(unit, high.y, 5u),
    fourWeights(unit, high.z, 6u), fourWeights(unit, high.w, 7u),
  );
}

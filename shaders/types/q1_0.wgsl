// Q1_0, blocks of 128: weight i is d where bit i is set, else -d. Row: plane of bits (16 bytes a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  bits: u32,
  d: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  return Unit(planeWord(row, unit), planeHalf(row + (nIn >> 7u), unit >> 2u));
}

fn fourWeights(d: f32, bits: u32) -> vec4<f32> {
  return select(vec4(-d), vec4(d), (vec4(bits) & vec4(1u, 2u, 4u, 8u)) != vec4(0u));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let d = unit.d;
  let bits = unit.bits;
  return array<vec4<f32>, 8>(
    fourWeights(d, bits), fourWeights(d, bits >> 4u), fourWeights(d, bits >> 8u), fourWeights(d, bits >> 12u),
    fourWeights(d, bits >> 16u), fourWeights(d, bits >> 20u), fourWeights(d, bits >> 24u), fourWeights(d, bits >> 28u),
  );
}

// Q2_0, blocks of 64: weight i is d * (q_i - 1), q of two bits, four neighbours a byte. Row: plane of quants (16 bytes a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  quants: vec2<u32>,
  d: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = weights[row + (unit >> 1u)];
  return Unit(select(block.xy, block.zw, (unit & 1u) == 1u), planeHalf(row + (nIn >> 6u), unit >> 1u));
}

fn fourWeights(d: f32, byte: u32) -> vec4<f32> {
  return d * (vec4<f32>((vec4(byte) >> vec4(0u, 2u, 4u, 6u)) & vec4(3u)) - 1.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let d = unit.d;
  let a = unit.quants.x;
  let b = unit.quants.y;
  return array<vec4<f32>, 8>(
    fourWeights(d, a), fourWeights(d, a >> 8u), fourWeights(d, a >> 16u), fourWeights(d, a >> 24u),
    fourWeights(d, b), fourWeights(d, b >> 8u), fourWeights(d, b >> 16u), fourWeights(d, b >> 24u),
  );
}

// TQ2_0, super-blocks of 256: weight i is d * (q_i - 1), q of two bits.
// Byte l (0 to 31) of half n of the quants holds, from its low end, q of l in the runs 0 to 3 (32 weights each) of that half.
// Row: plane of quants (64 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_4x16.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  quants: vec4<u32>,
  d: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  return Unit(weights[row + unit], planeHalf(row + (nIn >> 6u), unit >> 2u));
}

fn fourWeights(d: f32, quants: u32) -> vec4<f32> {
  return d * (unsignedBytes(quants & 0x03030303u) - 1.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let d = unit.d;
  let first = unit.quants >> vec4(4u * chunk);
  let second = unit.quants >> vec4(4u * chunk + 2u);
  return array<vec4<f32>, 8>(
    fourWeights(d, first.x), fourWeights(d, first.y), fourWeights(d, first.z), fourWeights(d, first.w),
    fourWeights(d, second.x), fourWeights(d, second.y), fourWeights(d, second.z), fourWeights(d, second.w),
  );
}

// MXFP4, blocks of 32: weight i is 2^(e - 128) * value[q_i], value = 0 1 2 3 4 6 8 12 and their negatives (twice the E2M1 numbers).
// Nibbles: byte i holds q_i low and q_(i+16) high. Row: plane of nibbles (16 bytes a block), plane of e (one byte a block).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/e2m1.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  scale: f32,
}

// 2^(e - 128); e = 0 and e = 1 are subnormal.
fn halfPowerOfTwo(e: u32) -> f32 {
  return bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u));
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let word = planeWord(row + (nIn >> 5u), unit >> 2u);
  return Unit(weights[row + unit], halfPowerOfTwo((word >> (8u * (unit & 3u))) & 0xffu));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let low = unit.nibbles & vec4(0x0f0f0f0fu);
  let high = (unit.nibbles >> vec4(4u)) & vec4(0x0f0f0f0fu);
  let d = unit.scale;
  return array<vec4<f32>, 8>(
    d * e2m1Doubled(low.x), d * e2m1Doubled(low.y), d * e2m1Doubled(low.z), d * e2m1Doubled(low.w),
    d * e2m1Doubled(high.x), d * e2m1Doubled(high.y), d * e2m1Doubled(high.z), d * e2m1Doubled(high.w),
  );
}

// NVFP4, blocks of 64: weight i of sub-block s (16) is scale_s / 2 * value[q_i], value the E2M1 numbers doubled, scale_s a byte: UE4M3.
// Byte j (0 to 7) of a sub-block holds q_j low and q_(j+8) high. Row: plane of nibbles (32 bytes a block), plane of scales (4 bytes a block).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/e2m1.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  nibbles: vec4<u32>,
  scales: vec2<f32>,
}

// Half of the value of a code: four bits of exponent (bias 7), three of mantissa. Bit 7 is ignored, but 0x7f is 0.
fn halfUe4m3(code: u32) -> f32 {
  let normal = bitcast<f32>(((((code >> 3u) & 15u) + 119u) << 23u) | ((code & 7u) << 20u));
  let value = select(normal, f32(code & 7u) * 0.0009765625, (code & 0x78u) == 0u);
  return select(value, 0.0, code == 0x7fu);
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let codes = planeWord(row + (nIn >> 5u), unit >> 1u) >> (16u * (unit & 1u));
  return Unit(weights[row + unit], vec2(halfUe4m3(codes & 0xffu), halfUe4m3((codes >> 8u) & 0xffu)));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let low = unit.nibbles & vec4(0x0f0f0f0fu);
  let high = (unit.nibbles >> vec4(4u)) & vec4(0x0f0f0f0fu);
  let a = unit.scales.x;
  let b = unit.scales.y;
  return array<vec4<f32>, 8>(
    a * e2m1Doubled(low.x), a * e2m1Doubled(low.y), a * e2m1Doubled(high.x), a * e2m1Doubled(high.y),
    b * e2m1Doubled(low.z), b * e2m1Doubled(low.w), b * e2m1Doubled(high.z), b * e2m1Doubled(high.w),
  );
}

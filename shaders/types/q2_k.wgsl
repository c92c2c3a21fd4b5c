// Q2_K, super-blocks of 256, groups of 16: weight i of group g is d * s_g * q_i - dmin * m_g; s and m of four bits, q of two.
// Byte l (0 to 31) of half n of the quants holds, from its low end, q of l in the runs 0 to 3 (32 weights each) of that half.
// Row: plane of scales and quants (80 bytes a super-block: byte g is s_g low, m_g high; then 64 of quants), plane of d and dmin (two f16
// a word).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_4x16.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  quants: vec4<u32>,
  // Bytes 0 and 2 of word c: scales of the runs 2c and 2c + 1.
  scales: vec2<u32>,
  d: f32,
  dmin: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 2u;
  let half = (unit >> 1u) & 1u;
  let at = row + 5u * block;
  let all = weights[at];
  let dm = unpack2x16float(planeWord(row + 5u * (nIn >> 8u), block));
  let scales = select(all.xy, all.zw, half == 1u) >> vec2(8u * (unit & 1u));
  return Unit(weights[at + 1u + (unit & 3u)], scales, dm.x, dm.y);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let scales = unit.scales[chunk];
  let a = unit.d * f32(scales & 15u);
  let b = unit.d * f32((scales >> 16u) & 15u);
  let aMin = unit.dmin * f32((scales >> 4u) & 15u);
  let bMin = unit.dmin * f32((scales >> 20u) & 15u);
  let first = (unit.quants >> vec4(4u * chunk)) & vec4(0x03030303u);
  let second = (unit.quants >> vec4(4u * chunk + 2u)) & vec4(0x03030303u);
  return array<vec4<f32>, 8>(
    a * unsignedBytes(first.x) - aMin, a * unsignedBytes(first.y) - aMin,
    a * unsignedBytes(first.z) - aMin, a * unsignedBytes(first.w) - aMin,
    b * unsignedBytes(second.x) - bMin, b * unsignedBytes(second.y) - bMin,
    b * unsignedBytes(second.z) - bMin, b * unsignedBytes(second.w) - bMin,
  );
}

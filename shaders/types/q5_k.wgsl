// Q5_K, super-blocks of 256, groups of 32: weight i of group g is d * s_g * q_i - dmin * m_g; s and m of six bits, q of five.
// Byte l of pair p (32 bytes) holds the low four bits of q_l of group 2p low and of group 2p + 1 high; bit g of byte l of the fifth
// bits is bit 4 of q_l of group g.
// Row: super-blocks of 176 bytes as in the file: d and dmin (f16), s and m 12, fifth bits 32, nibbles 128.
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_64.wgsl"
#include "types/lib/k_scales.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  first: vec4<u32>,
  second: vec4<u32>,
  // Moved so that bit c belongs to chunk c.
  firstFifths: vec4<u32>,
  secondFifths: vec4<u32>,
  scales: PairScales,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + 11u * (unit >> 2u);
  let pair = unit & 3u;
  return Unit(
    weights[at + 3u + 2u * pair],
    weights[at + 4u + 2u * pair],
    weights[at + 1u] >> vec4(2u * pair),
    weights[at + 2u] >> vec4(2u * pair),
    pairScales(weights[at], pair),
  );
}

fn fiveBits(nibbles: vec4<u32>, fifths: vec4<u32>, chunk: u32) -> vec4<u32> {
  let low = (nibbles >> vec4(4u * chunk)) & vec4(0x0f0f0f0fu);
  return low | (((fifths >> vec4(chunk)) & vec4(0x01010101u)) << vec4(4u));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let first = fiveBits(unit.first, unit.firstFifths, chunk);
  let second = fiveBits(unit.second, unit.secondFifths, chunk);
  let s = unit.scales.scale[chunk];
  let m = unit.scales.minimum[chunk];
  return array<vec4<f32>, 8>(
    s * unsignedBytes(first.x) - m, s * unsignedBytes(first.y) - m,
    s * unsignedBytes(first.z) - m, s * unsignedBytes(first.w) - m,
    s * unsignedBytes(second.x) - m, s * unsignedBytes(second.y) - m,
    s * unsignedBytes(second.z) - m, s * unsignedBytes(second.w) - m,
  );
}

// Q4_K, super-blocks of 256, groups of 32: weight i of group g is d * s_g * q_i - dmin * m_g; s and m of six bits, q of four.
// Byte l of pair p (32 bytes) holds q_l of group 2p low and of group 2p + 1 high.
// Row: super-blocks of 144 bytes as in the file: d and dmin (f16), s and m 12, nibbles 128.
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_64.wgsl"
#include "types/lib/k_scales.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  first: vec4<u32>,
  second: vec4<u32>,
  scales: PairScales,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + 9u * (unit >> 2u);
  let pair = unit & 3u;
  return Unit(weights[at + 1u + 2u * pair], weights[at + 2u + 2u * pair], pairScales(weights[at], pair));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let first = (unit.first >> vec4(4u * chunk)) & vec4(0x0f0f0f0fu);
  let second = (unit.second >> vec4(4u * chunk)) & vec4(0x0f0f0f0fu);
  let s = unit.scales.scale[chunk];
  let m = unit.scales.minimum[chunk];
  return array<vec4<f32>, 8>(
    s * unsignedBytes(first.x) - m, s * unsignedBytes(first.y) - m,
    s * unsignedBytes(first.z) - m, s * unsignedBytes(first.w) - m,
    s * unsignedBytes(second.x) - m, s * unsignedBytes(second.y) - m,
    s * unsignedBytes(second.z) - m, s * unsignedBytes(second.w) - m,
  );
}

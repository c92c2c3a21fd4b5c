// IQ3_S, super-blocks of 256, groups of 32: weight i of row l (four) of group g is d * (1 + 2 s_g) * grid[q_l][i], negative where its sign is set; s_g of
// four bits. q of nine bits: eight in the row's byte, the ninth is bit l of byte g of the high bits.
// Row: plane of q (64 bytes a super-block), plane of signs (32 bytes), plane of high bits (8 bytes), plane of s (4 bytes), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/grid_iq3_s.wgsl"
#include "types/lib/iq3_chunk.wgsl"

struct Unit {
  rows: vec2<u32>,
  // One bit a row.
  high: u32,
  signs: u32,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let blocks = nIn >> 8u;
  let pair = weights[row + (unit >> 1u)];
  let signsAt = row + 4u * blocks;
  let highAt = signsAt + 2u * blocks;
  let scalesAt = highAt + planeVec4s(8u * blocks);
  let high = planeWord(highAt, unit >> 2u) >> (8u * (unit & 3u));
  let s = (planeWord(scalesAt, unit >> 3u) >> (4u * (unit & 7u))) & 15u;
  let d = planeHalf(scalesAt + planeVec4s(4u * blocks), unit >> 3u);
  return Unit(select(pair.xy, pair.zw, (unit & 1u) == 1u), high, planeWord(signsAt, unit), d * f32(1u + 2u * s));
}

// 1 3 5 ... 15.
fn levels(code: u32) -> vec4<f32> {
  return vec4<f32>(vec4(1u) + 2u * threeBits(code));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let firstHigh = (vec4(unit.high) >> vec4(0u, 1u, 2u, 3u)) & vec4(1u);
  let secondHigh = (vec4(unit.high) >> vec4(4u, 5u, 6u, 7u)) & vec4(1u);
  let first = gridRows(unit.rows.x, firstHigh);
  let second = gridRows(unit.rows.y, secondHigh);
  return iq3Chunk(first, second, unpack4xU8(unit.signs), unit.scale);
}

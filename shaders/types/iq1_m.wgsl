// IQ1_M, super-blocks of 256: weight i of row l (eight) of group g (32) is d * (2 s + 1) * (grid[q_l][i] + delta_l), delta 1/8 or -1/8, s of three bits
// for each 16 weights. q of eleven bits: eight in the row's byte, three in the row's nibble of the high bits, whose bit 3 is delta's sign.
// The four 16-bit words of scales hold four s each, and in their top four bits a nibble of d (f16), the lowest first.
// Row: plane of q (32 bytes) and high bits (16 bytes a super-block), plane of scales (8 bytes a super-block).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/iq1_chunk.wgsl"

struct Unit {
  rows: u32,
  // A nibble a row.
  high: u32,
  scales: vec2<f32>,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let g = unit & 7u;
  let at = row + 3u * block;
  let scalesAt = row + 3u * (nIn >> 8u);
  let a = planeWord(scalesAt, 2u * block);
  let b = planeWord(scalesAt, 2u * block + 1u);
  let bits = ((a >> 12u) & 0xfu) | ((a >> 24u) & 0xf0u) | ((b >> 4u) & 0xf00u) | ((b >> 16u) & 0xf000u);
  let d = unpack2x16float(bits).x;
  // Groups 2n and 2n + 1 share word n.
  let s = select(a, b, g >= 4u) >> (16u * ((g >> 1u) & 1u) + 6u * (g & 1u));
  return Unit(
    weights[at + (g >> 2u)][g & 3u],
    weights[at + 2u][g >> 1u] >> (16u * (g & 1u)),
    d * vec2<f32>(2u * (vec2(s, s >> 3u) & vec2(7u)) + vec2(1u)),
  );
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let high = (vec4(unit.high) >> vec4(0u, 4u, 8u, 12u)) & vec4(15u);
  return iq1Chunk(unit.rows, high, unit.scales);
}

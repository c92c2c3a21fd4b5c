// IQ2_S, super-blocks of 256: weight i of row l (eight) of group g (32) is d * (s + 1/2) / 4 * grid[q_l][i], negative where its sign is set; s of four bits
// for each 16 weights, byte g of the scales, the low nibble first. q of ten bits: eight in the row's byte, two in byte g of the high bits.
// Row: plane of q (32 bytes) and signs (32 bytes a super-block), plane of high bits and scales (8 + 8 bytes), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/grid_iq2_s.wgsl"
#include "types/lib/iq2_chunk.wgsl"

struct Unit {
  rows: u32,
  // Two bits a row.
  high: u32,
  signs: u32,
  scales: vec2<f32>,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let g = unit & 7u;
  let at = row + 4u * block + (g >> 2u);
  let headsAt = row + (nIn >> 6u);
  let head = select(weights[headsAt + block].xz, weights[headsAt + block].yw, g >= 4u) >> vec2(8u * (g & 3u));
  let d = planeHalf(headsAt + (nIn >> 8u), block);
  let scales = vec2<f32>(vec2(head.y & 15u, (head.y >> 4u) & 15u));
  return Unit(weights[at][g & 3u], head.x, weights[at + 2u][g & 3u], d * (0.5 + scales) * 0.25);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let high = (vec4(unit.high) >> vec4(0u, 2u, 4u, 6u)) & vec4(3u);
  return iq2Chunk(gridRows(unit.rows, high), unpack4xU8(unit.signs), unit.scales);
}

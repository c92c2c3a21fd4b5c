// IQ1_S, super-blocks of 256, groups of 32: weight i of row l (eight) of group g is d * (2 s_g + 1) * (grid[q_l][i] + delta_g), delta 1/8 or -1/8.
// q of eleven bits: eight in the row's byte, three at bit 3 l of the group's 16 bits, which hold s_g of three bits at bit 12 and delta's sign at 15.
// Row: plane of q (32 bytes) and 16-bit heads (16 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/iq1_chunk.wgsl"

struct Unit {
  rows: u32,
  head: u32,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let g = unit & 7u;
  let at = row + 3u * block;
  let head = weights[at + 2u][g >> 1u] >> (16u * (g & 1u));
  let d = planeHalf(row + 3u * (nIn >> 8u), block);
  return Unit(weights[at + (g >> 2u)][g & 3u], head, d * f32(2u * ((head >> 12u) & 7u) + 1u));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let high = (vec4(unit.head) >> vec4(0u, 3u, 6u, 9u)) & vec4(7u);
  return iq1Chunk(unit.rows, high | vec4((unit.head >> 12u) & 8u), vec2(unit.scale));
}

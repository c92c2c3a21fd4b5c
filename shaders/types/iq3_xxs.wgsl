// IQ3_XXS, super-blocks of 256, groups of 32: weight i of row l (four) of group g is d * (s_g + 1/2) / 2 * grid[q_l][i], negative where a sign is set.
// A group has eight q (bytes), and a word with four times seven bits of signs (an eighth makes their number even) and s_g of four bits on top.
// Row: plane of q (64 bytes) and words (32 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/grid_iq3_xxs.wgsl"
#include "types/lib/iq3_chunk.wgsl"

struct Unit {
  rows: vec2<u32>,
  signs: u32,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let g = unit & 7u;
  let at = row + 6u * block;
  let pair = weights[at + (g >> 1u)];
  let word = weights[at + 4u + (g >> 2u)][g & 3u];
  let d = planeHalf(row + 6u * (nIn >> 8u), block);
  return Unit(select(pair.xy, pair.zw, (g & 1u) == 1u), word, d * (0.5 + f32(word >> 28u)) * 0.5);
}

// 4 12 20 28 36 44 52 and 62.
fn levels(code: u32) -> vec4<f32> {
  let c = threeBits(code);
  return vec4<f32>(vec4(4u) + 8u * c + 2u * ((c + vec4(1u)) >> vec4(3u)));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let first = gridRows(unit.rows.x, vec4(0u));
  let second = gridRows(unit.rows.y, vec4(0u));
  return iq3Chunk(first, second, evenSigns(unit.signs), unit.scale);
}

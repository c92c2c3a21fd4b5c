// IQ2_XXS, super-blocks of 256, groups of 32: weight i of row l (eight) of group g is d * (s_g + 1/2) / 4 * grid[q_l][i], negative where a sign is set.
// A group is 8 bytes: four q, then a word with four times seven bits of signs (an eighth makes their number even) and s_g of four bits on top.
// Row: plane of groups (64 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/grid_iq2_xxs.wgsl"
#include "types/lib/iq2_chunk.wgsl"

struct Unit {
  rows: u32,
  signs: u32,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let pair = weights[row + (unit >> 1u)];
  let group = select(pair.xy, pair.zw, (unit & 1u) == 1u);
  let d = planeHalf(row + (nIn >> 6u), unit >> 3u);
  return Unit(group.x, group.y, d * (0.5 + f32(group.y >> 28u)) * 0.25);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  return iq2Chunk(gridRows(unit.rows, vec4(0u)), evenSigns(unit.signs), vec2(unit.scale));
}

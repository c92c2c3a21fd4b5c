// IQ2_XS, super-blocks of 256: weight i of row l (eight) of group g (32) is d * (s + 1/2) / 4 * grid[q_l][i], negative where a sign is set; s of four bits
// for each 16 weights, byte g of the scales, the low nibble first. A row is 16 bits: nine of q, seven of signs (an eighth makes their number even).
// Row: plane of rows (64 bytes a super-block), plane of scales (8 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/grid_iq2_xs.wgsl"
#include "types/lib/iq2_chunk.wgsl"

struct Unit {
  rows: vec2<u32>,
  scales: vec2<f32>,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let pair = weights[row + (unit >> 1u)];
  let scalesAt = row + (nIn >> 6u);
  let s = planeWord(scalesAt, unit >> 2u) >> (8u * (unit & 3u));
  let d = planeHalf(scalesAt + planeVec4s(nIn >> 5u), unit >> 3u);
  let scales = vec2<f32>(vec2(s & 15u, (s >> 4u) & 15u));
  return Unit(select(pair.xy, pair.zw, (unit & 1u) == 1u), d * (0.5 + scales) * 0.25);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let rows = vec4(unit.rows.x & 0xffffu, unit.rows.x >> 16u, unit.rows.y & 0xffffu, unit.rows.y >> 16u);
  let i = rows & vec4(0x1ffu);
  let codes = vec4(gridRow(i.x), gridRow(i.y), gridRow(i.z), gridRow(i.w));
  return iq2Chunk(codes, withEighthSign(rows >> vec4(9u)), unit.scales);
}

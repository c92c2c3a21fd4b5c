// A unit is a quarter of a super-block of 256: of one half (128 weights, bit 1 of the unit), the 16 weights from 0 or from 16 (bit 0) of
// each of its four runs of 32. So 16 bytes of packed quants belong to one unit wholly. Chunk c holds the runs 2c and 2c + 1.
const CHUNKS = 2u;

fn rowUnits(nIn: u32) -> u32 {
  return nIn >> 6u;
}

// Which vec4 of the row (of x) the i-th vec4 of a chunk meets.
fn chunkColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return (unit >> 1u) * 32u + (2u * chunk + (i >> 2u)) * 8u + (unit & 1u) * 4u + (i & 3u);
}

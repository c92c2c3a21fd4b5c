// A unit is 32 consecutive weights: one chunk.
const CHUNKS = 1u;

fn rowUnits(nIn: u32) -> u32 {
  return (nIn + 31u) >> 5u;
}

// Which vec4 of the row (of x) the i-th vec4 of a chunk meets.
fn chunkColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return unit * 8u + i;
}

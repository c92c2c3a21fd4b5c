// A unit is 64 consecutive weights: two chunks of 32.
const CHUNKS = 2u;

fn rowUnits(nIn: u32) -> u32 {
  return nIn >> 6u;
}

// Which vec4 of the row (of x) the i-th vec4 of a chunk meets.
fn chunkColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return unit * 16u + chunk * 8u + i;
}

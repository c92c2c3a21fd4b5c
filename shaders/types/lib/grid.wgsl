// A type's grid (lib/grid_*.wgsl) in workgroup memory, at most 4 KiB: indices that differ from lane to lane would be slow anywhere else.
var<workgroup> grid: array<u32, GRID_WORDS>;

// Before anything else reads weights, by all `lanes` lanes of the workgroup.
fn prepareWeights(lane: u32, lanes: u32) {
  for (var i = lane; i < GRID_WORDS; i += lanes) {
    grid[i] = GRID_TABLE[i];
  }
  workgroupBarrier();
}

// The codes of a row: 16 bits.
fn gridRow(i: u32) -> u32 {
  return (grid[i >> 1u] >> (16u * (i & 1u))) & 0xffffu;
}

// The codes of the rows that the four bytes of a word name, bits 8 and up of each from `high`.
fn gridRows(low: u32, high: vec4<u32>) -> vec4<u32> {
  let i = unpack4xU8(low) | (high << vec4(8u));
  return vec4(gridRow(i.x), gridRow(i.y), gridRow(i.z), gridRow(i.w));
}

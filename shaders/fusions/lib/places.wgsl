// Vectors that products read lie folded: column c (four values) at (c % 32) * blocks + c / 32, blocks = ceil(columns / 32). Lanes of a lane group
// read units of 8, 16 or 32 columns side by side at the same time; folded, what neighbouring lanes read is neighbouring memory.
fn foldBlocks(length: u32) -> u32 {
  return (length / 4u + 31u) / 32u;
}

// Where column c lies, in vec4s.
fn folded(c: u32, blocks: u32) -> u32 {
  return (c & 31u) * blocks + (c >> 5u);
}

// Where value i lies, in values.
fn foldedValue(i: u32, blocks: u32) -> u32 {
  return 4u * folded(i >> 2u, blocks) + (i & 3u);
}

// A residual stream: its values, then the same times the gain of the RMSNorm that reads it next, folded, then sums of squares of parts of the
// values. Offsets in values, each a multiple of 4.
fn gainedAt(length: u32) -> u32 {
  return (length + 3u) & ~3u;
}

fn squaresAt(length: u32) -> u32 {
  return gainedAt(length) + 128u * foldBlocks(length);
}

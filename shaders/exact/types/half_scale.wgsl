// Types whose block scales are f16: multiples of 2^-24. SCALE_AT: where a block has its scale, in bytes.
fn scaleOf(block: u32) -> Scale {
  return halfScale(halfAt(block + SCALE_AT));
}

fn prepareRow(row: u32, blocks: u32) {}

fn unitExponent() -> i32 {
  return -24;
}

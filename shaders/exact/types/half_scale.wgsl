// Types whose block scales are f16: multiples of 2^-24.
fn prepareRow(row: u32, blocks: u32) {}

fn unitExponent() -> i32 {
  return -24;
}

// F16: an integer of 11 bits times 2^(shift - 24), 0 <= shift < 30.
#include "exact/bytes.wgsl"
const UNIT = 24;

fn unitOf(row: u32, n: u32) -> i32 {
  return 0;
}

fn weightAt(row: u32, j: u32) -> Scale {
  return halfScale(halfAt(row + 2u * j));
}

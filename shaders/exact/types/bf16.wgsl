// BF16: the upper half of an f32.
#include "exact/bytes.wgsl"
#include "exact/types/wide_floats.wgsl"

fn bitsAt(row: u32, j: u32) -> u32 {
  return halfAt(row + 2u * j) << 16u;
}

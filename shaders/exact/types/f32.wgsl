// F32
#include "exact/bytes.wgsl"
#include "exact/types/wide_floats.wgsl"

fn bitsAt(row: u32, j: u32) -> u32 {
  return wordAt(row + 4u * j);
}

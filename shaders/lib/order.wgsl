// A u32 that orders as the f32 with these bits does: NaN is 0, below -Inf; the two zeros are equal. Integers, because WGSL may assume that
// no float is NaN.
fn orderOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0u;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

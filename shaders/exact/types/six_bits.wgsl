// 8 scales and 8 minima of 6 bits in 12 bytes, as Q4_K and Q5_K have them: scale, minimum of group g.
fn sixBits(at: u32, g: u32) -> vec2<i32> {
  if (g < 4u) {
    return vec2(i32(byteAt(at + g) & 63u), i32(byteAt(at + g + 4u) & 63u));
  }
  let both = byteAt(at + g + 4u);
  return vec2(i32((both & 15u) | ((byteAt(at + g - 4u) >> 6u) << 4u)), i32((both >> 4u) | ((byteAt(at + g) >> 6u) << 4u)));
}

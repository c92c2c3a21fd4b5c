// Bits 4w .. 4w+3 of `bits`, each as bit 4 of a byte: the fifth bits of values 4w .. 4w+3.
fn fifthBits(bits: u32, w: u32) -> u32 {
  let four = (bits >> (4u * w)) & 15u;
  return ((four & 1u) | ((four & 2u) << 7u) | ((four & 4u) << 14u) | ((four & 8u) << 21u)) << 4u;
}

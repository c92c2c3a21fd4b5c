// Q5_0 and Q5_1: bit i of a word is bit 4 of quant i. Four of them, at bit 4 of each byte, for the quants 4*group to 4*group + 3.
fn fifthBits(word: u32, group: u32) -> u32 {
  let four = (word >> (4u * group)) & 0xfu;
  // Bit k goes to bit 8k + 4.
  return ((four & 1u) << 4u) | ((four & 2u) << 11u) | ((four & 4u) << 18u) | ((four & 8u) << 25u);
}

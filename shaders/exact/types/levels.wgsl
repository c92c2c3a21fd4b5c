// Four nibbles of a byte each as the levels that they name: LEVELS has 16 signed bytes.
fn levels(nibbles: u32) -> u32 {
  var word = 0u;
  for (var i = 0u; i < 32u; i += 8u) {
    let n = (nibbles >> i) & 15u;
    word |= ((LEVELS[n >> 2u] >> (8u * (n & 3u))) & 0xFFu) << i;
  }
  return word;
}

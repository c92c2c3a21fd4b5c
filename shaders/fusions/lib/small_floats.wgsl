// Small integers in a word as floats, without converting: under the exponent of 2^23 the bits of an integer are its value, and taking 2^23
// off is exact. An integer that stands s bits to the left comes out 2^s times too large, and so does the sum of what it meets: exact, too.
const EXPONENT = 0x4b000000u;
const TWO_23 = 8388608.0;

// Bits of the four bytes of a word, each under the exponent; `mask` for one byte in the low half, bytes 1 and 3 shifted by 8.
fn fourBits(word: u32, mask: u32) -> vec4<u32> {
  return (vec4(word, word, word >> 16u, word >> 16u) & vec4(mask, mask << 8u, mask, mask << 8u)) | vec4(EXPONENT);
}

// Four bytes' bits less an offset: `offset` for bytes 0 and 2, 256 times as much for 1 and 3.
fn fourFloats(word: u32, mask: u32, offset: f32) -> vec4<f32> {
  let far = vec4(TWO_23 + offset, TWO_23 + 256.0 * offset, TWO_23 + offset, TWO_23 + 256.0 * offset);
  return bitcast<vec4<f32>>(fourBits(word, mask)) - far;
}

// Sums of products with four bytes each, added up: bytes 0 and 2 stand where they should, bytes 1 and 3 eight bits to the left.
fn addedUp(sums: vec4<f32>) -> f32 {
  return (sums.x + sums.z) + 0.00390625 * (sums.y + sums.w);
}

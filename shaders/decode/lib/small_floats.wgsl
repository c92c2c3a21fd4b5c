// Small integers in a word as floats, without converting: under the exponent of 2^23 the bits of an integer are its value, and taking 2^23
// off is exact. An integer that stands s bits to the left comes out 2^s times too large, which the x that it meets makes up for (exact, too).
const EXPONENT = 0x4b000000u;
const TWO_23 = 8388608.0;

// What each x of four is multiplied with: bytes 0 and 2 stand where they should, bytes 1 and 3 eight bits to the left.
const BYTE_FACTORS = vec4<f32>(1.0, 0.00390625, 1.0, 0.00390625);

// Bits of the four bytes of a word, each under the exponent; `mask` for one byte in the low half, bytes 1 and 3 shifted by 8.
fn fourBits(word: u32, mask: u32) -> vec4<u32> {
  return (vec4(word, word, word >> 16u, word >> 16u) & vec4(mask, mask << 8u, mask, mask << 8u)) | vec4(EXPONENT);
}

// Four bytes' bits less an offset: `offset` for bytes 0 and 2, 256 times as much for 1 and 3.
fn fourFloats(word: u32, mask: u32, offset: f32) -> vec4<f32> {
  let far = vec4(TWO_23 + offset, TWO_23 + 256.0 * offset, TWO_23 + offset, TWO_23 + 256.0 * offset);
  return bitcast<vec4<f32>>(fourBits(word, mask)) - far;
}

fn scaledX(v: array<vec4<f32>, 8>, factors: vec4<f32>) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    v[0] * factors, v[1] * factors, v[2] * factors, v[3] * factors,
    v[4] * factors, v[5] * factors, v[6] * factors, v[7] * factors,
  );
}

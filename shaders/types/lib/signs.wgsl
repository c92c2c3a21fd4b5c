// The values whose bit of `signs` is set (bit 0: x) made negative.
fn withSigns(values: vec4<f32>, signs: u32) -> vec4<f32> {
  return select(values, -values, (vec4(signs) & vec4(1u, 2u, 4u, 8u)) != vec4(0u));
}

// Eight signs of seven bits: the eighth makes their number even.
fn withEighthSign(k: vec4<u32>) -> vec4<u32> {
  return k | ((countOneBits(k) & vec4(1u)) << vec4(7u));
}

// Four times seven bits of signs, from the word's low end.
fn evenSigns(word: u32) -> vec4<u32> {
  return withEighthSign((vec4(word) >> vec4(0u, 7u, 14u, 21u)) & vec4(0x7fu));
}

// The 16 values of IQ4_NL and IQ4_XS, four signed bytes a word, value 0 lowest:
// -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113.
const IQ4_VALUES = vec4<u32>(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);

// The values that four indices (one a byte, 0 to 15) name.
fn iq4Values(indices: u32) -> vec4<f32> {
  let index = unpack4xU8(indices);
  let quarter = index >> vec4(2u);
  let low = select(vec4(IQ4_VALUES.x), vec4(IQ4_VALUES.y), quarter == vec4(1u));
  let high = select(vec4(IQ4_VALUES.z), vec4(IQ4_VALUES.w), quarter == vec4(3u));
  let word = select(low, high, quarter >= vec4(2u));
  // The byte goes to the top, and comes down with its sign.
  let top = word << (vec4(24u) - 8u * (index & vec4(3u)));
  return vec4<f32>(bitcast<vec4<i32>>(top) >> vec4(24u));
}

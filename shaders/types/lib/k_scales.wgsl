// Q4_K and Q5_K: the scales s and minima m (six bits) of the groups 2p and 2p + 1 (p from 0 to 3), out of the 12 bytes b that follow d
// and dmin. Groups g < 4: s = b[g], m = b[g + 4], six low bits each. Groups g >= 4: s = low nibble of b[g + 4] and the two top bits
// of b[g - 4]; m = high nibble of b[g + 4] and the two top bits of b[g].
struct PairScales {
  scale: vec2<f32>,
  minimum: vec2<f32>,
}

fn pairScales(head: vec4<u32>, pair: u32) -> PairScales {
  let dm = unpack2x16float(head.x);
  let b = head.yzw >> vec3(16u * (pair & 1u));
  let s = select(b.x & 0x3f3fu, (b.z & 0x0f0fu) | ((b.x & 0xc0c0u) >> 2u), pair >= 2u);
  let m = select(b.y & 0x3f3fu, ((b.z >> 4u) & 0x0f0fu) | ((b.y & 0xc0c0u) >> 2u), pair >= 2u);
  return PairScales(dm.x * unsignedBytes(s).xy, dm.y * unsignedBytes(m).xy);
}

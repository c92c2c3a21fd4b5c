// MXFP4 and NVFP4: the E2M1 numbers, doubled: 0 1 2 3 4 6 8 12 and their negatives.

// The values that four nibbles (one a byte) name.
fn e2m1Doubled(nibbles: u32) -> vec4<f32> {
  let index = unpack4xU8(nibbles);
  // Magnitudes 12 8 6 4 3 2 1 0, a nibble each; bit 3 of the index is the sign, of an integer: there is no -0.
  let magnitude = vec4<i32>((vec4(0xc8643210u) >> (4u * (index & vec4(7u)))) & vec4(15u));
  return vec4<f32>(select(magnitude, -magnitude, (index & vec4(8u)) != vec4(0u)));
}

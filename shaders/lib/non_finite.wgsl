// What is not finite, by its bits: WGSL may assume that no float is NaN, and a maximum leaves one out.

fn isNan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

// Whether a softmax over this value is NaN: where it is NaN or +Infinity. An exponential of -Infinity is 0.
fn spoils(value: f32) -> bool {
  let bits = bitcast<u32>(value);
  return bits == 0x7f800000u || (bits & 0x7fffffffu) > 0x7f800000u;
}

fn anySpoils(values: vec4<f32>) -> bool {
  let bits = bitcast<vec4<u32>>(values);
  return any((bits == vec4(0x7f800000u)) | ((bits & vec4(0x7fffffffu)) > vec4(0x7f800000u)));
}

// The value, or a quiet NaN.
fn orNaN(value: f32, isNaN: bool) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(value), 0x7fc00000u, isNaN));
}

// Rows of floats.
fn absoluteSums(at: u32, xAt: u32) -> vec2<f32> {
  var sums = vec2(0.0, 0.0);
  for (var j = 0u; j < params.nIn; j++) {
    let w = weightAt(at, j);
    let exponent = w.shift - UNIT;
    // In two steps: 2^-149 is no exponent that ldexp must take.
    let size = ldexp(ldexp(f32(abs(w.mantissa)), max(exponent, -100)), min(exponent + 100, 0));
    sums += vec2(size * x[xAt + j], size);
  }
  return sums;
}

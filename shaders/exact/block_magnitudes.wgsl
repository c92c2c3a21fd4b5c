// Blocks of small integers: each value is scale * q + low.
fn absoluteSums(at: u32, xAt: u32) -> vec2<f32> {
  prepareRow(at, params.nIn / BLOCK_VALUES);
  var sums = vec2(0.0, 0.0);
  for (var b = 0u; b < params.nIn / BLOCK_VALUES; b++) {
    let block = at + b * BLOCK_BYTES;
    let scale = asFloat(scaleOf(block));
    let low = asFloat(lowOf(block));
    for (var g = 0u; g < BLOCK_VALUES / 32u; g++) {
      let w = groupAt(block, g);
      let first = xAt + b * BLOCK_VALUES + g * 32u;
      for (var j = 0u; j < 32u; j++) {
        let q = i32(w.q[j >> 2u] << (24u - 8u * (j & 3u))) >> 24u;
        let half = j >> 4u;
        let size = abs(scale * f32(w.scale[half] * q) + low * f32(w.low[half]));
        sums += vec2(size * x[first + j], size);
      }
    }
  }
  return sums;
}

fn asFloat(scale: Scale) -> f32 {
  return ldexp(f32(scale.mantissa), clamp(scale.shift + unitExponent(), -126, 127));
}

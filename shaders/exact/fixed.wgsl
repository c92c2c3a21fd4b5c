// An f64 (low word, high word) as a multiple of 2^unit, rounded to nearest, halves away from zero; 64 bits, two's complement.
// Finite, and |value| <= 2^(unit + 62).
fn onGrid(bits: vec2<u32>, unit: i32) -> vec2<u32> {
  let field = i32((bits.y >> 20u) & 0x7FFu);
  var high = bits.y & 0xFFFFFu;
  if (field != 0) {
    high |= 0x100000u;
  }
  // value = (high low) * 2^(max(field, 1) - 1075)
  var m = vec2(bits.x, high);
  let shift = max(field, 1) - 1075 - unit;
  if (shift >= 0) {
    let up = u32(min(shift, 63));
    if (up >= 32u) {
      m = vec2(0u, m.x << (up - 32u));
    } else if (up > 0u) {
      m = vec2(m.x << up, (m.y << up) | (m.x >> (32u - up)));
    }
  } else {
    let down = u32(min(-shift, 63));
    // The last bit that falls off decides.
    let half = select((m.x >> (down - 1u)) & 1u, (m.y >> ((down - 1u) & 31u)) & 1u, down > 32u);
    if (down >= 32u) {
      m = vec2(m.y >> (down - 32u), 0u);
    } else {
      m = vec2((m.x >> down) | (m.y << (32u - down)), m.y >> down);
    }
    m.x += half;
    m.y += u32(m.x < half);
  }
  if ((bits.y >> 31u) != 0u) {
    let low = ~m.x + 1u;
    m = vec2(low, ~m.y + u32(low == 0u));
  }
  return m;
}

// Floats of 8 exponent bits as f32 bits: an integer of 24 bits times 2^(shift - 149).
const UNIT = 149;
// Powers of two between a row's largest weight and the unit in which it is summed.
const RANGE = 60;

// The shift of the row's unit: RANGE below that of its largest finite weight.
fn unitOf(row: u32, n: u32) -> i32 {
  var largest = 0u;
  for (var j = 0u; j < n; j++) {
    let field = (bitsAt(row, j) >> 23u) & 0xFFu;
    if (field != 255u) { largest = max(largest, field); }
  }
  return max(0, max(i32(largest), 1) - 1 - RANGE);
}

fn weightAt(row: u32, j: u32) -> Scale {
  let bits = bitsAt(row, j);
  let field = (bits >> 23u) & 0xFFu;
  var mantissa = i32(bits & 0x7FFFFFu);
  if (field != 0u) { mantissa |= 0x800000; }
  if ((bits >> 31u) != 0u) { mantissa = -mantissa; }
  return Scale(mantissa, max(i32(field), 1) - 1, field != 255u);
}

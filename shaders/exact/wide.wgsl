// Integers of 192 bits, two's complement, least significant word first: sums of products are exact on every driver, whatever it does to floats.

const WIDE = 6u;
alias Wide = array<u32, 6>;

// acc + value * 2^shift. `value` has 128 bits, two's complement; 0 <= shift < 64, and the sum must fit.
fn addShifted(acc: ptr<function, Wide>, value: vec4<u32>, shift: u32) {
  let sign = u32(i32(value.w) >> 31u);
  let words = shift >> 5u;
  let bits = shift & 31u;
  // Five words: the shifted value and what the last bits push out.
  var v = array<u32, 5>(value.x, value.y, value.z, value.w, sign);
  if (bits != 0u) {
    let back = 32u - bits;
    v[4] = (sign << bits) | (value.w >> back);
    v[3] = (value.w << bits) | (value.z >> back);
    v[2] = (value.z << bits) | (value.y >> back);
    v[1] = (value.y << bits) | (value.x >> back);
    v[0] = value.x << bits;
  }
  var carry = 0u;
  for (var i = words; i < WIDE; i++) {
    let place = i - words;
    let term = select(sign, v[min(place, 4u)], place < 5u);
    let sum = (*acc)[i] + term;
    let total = sum + carry;
    // Both additions cannot carry: a sum that wrapped is at most 2^32 - 2.
    carry = u32(sum < term) | u32(total < sum);
    (*acc)[i] = total;
  }
}

// The 96-bit integer times an unsigned factor below 2^24, as 128 bits.
fn times(value: vec3<u32>, factor: u32) -> vec4<u32> {
  let sign = u32(i32(value.z) >> 31u);
  let low = factor & 0xFFFFu;
  let high = factor >> 16u;
  var product = vec4<u32>();
  var carry = 0u;
  for (var i = 0u; i < 4u; i++) {
    let word = select(sign, value[min(i, 2u)], i < 3u);
    // word * factor, 56 bits, from 16-bit halves: each partial product is below 2^32.
    let p0 = (word & 0xFFFFu) * low;
    let p1 = (word >> 16u) * low;
    let p2 = (word & 0xFFFFu) * high;
    let p3 = (word >> 16u) * high;
    let middle = p1 + p2;
    let middleCarry = u32(middle < p1);
    let low32 = p0 + (middle << 16u);
    let high32 = p3 + (middle >> 16u) + (middleCarry << 16u) + u32(low32 < p0);
    let sum = low32 + carry;
    product[i] = sum;
    carry = high32 + u32(sum < low32);
  }
  return product;
}

// -value
fn negated(value: vec4<u32>) -> vec4<u32> {
  let w0 = ~value.x + 1u;
  let c0 = u32(w0 == 0u);
  let w1 = ~value.y + c0;
  let c1 = c0 & u32(w1 == 0u);
  let w2 = ~value.z + c1;
  let c2 = c1 & u32(w2 == 0u);
  return vec4(w0, w1, w2, ~value.w + c2);
}

// Bits of an f64 that say "not computed here": a quiet NaN that no arithmetic gives. The low word is 0.
const REFUSED = 0x7FF8DEADu;

// acc * 2^exponent, rounded to nearest even once, as the bits of an f64 (low word, high word). A result below the normal range is refused.
fn roundedToF64(acc: ptr<function, Wide>, exponent: i32) -> vec2<u32> {
  let negative = ((*acc)[5] >> 31u) != 0u;
  var m = *acc;
  if (negative) {
    var carry = 1u;
    for (var i = 0u; i < WIDE; i++) {
      m[i] = ~m[i] + carry;
      carry = carry & u32(m[i] == 0u);
    }
  }
  var top = 6u;
  for (var i = 0u; i < WIDE; i++) {
    if (m[5u - i] != 0u) {
      top = 5u - i;
      break;
    }
  }
  if (top == 6u) {
    return vec2(0u, 0u);
  }
  // The three words from the highest one down, moved up until its highest bit is set; what lies below them can only break a tie.
  let lead = countLeadingZeros(m[top]);
  var w2 = m[top];
  var w1 = 0u;
  var w0 = 0u;
  var sticky = 0u;
  if (top >= 1u) { w1 = m[top - 1u]; }
  if (top >= 2u) { w0 = m[top - 2u]; }
  for (var i = 2u; i < WIDE; i++) {
    if (i < top) { sticky |= m[top - 1u - i]; }
  }
  if (lead != 0u) {
    w2 = (w2 << lead) | (w1 >> (32u - lead));
    w1 = (w1 << lead) | (w0 >> (32u - lead));
    w0 = w0 << lead;
  }
  // w2 w1: the first 64 bits. 53 of them are the significand, 11 decide the rounding.
  sticky |= w0;
  let rest = w1 & 0x7FFu;
  var low = (w1 >> 11u) | (w2 << 21u);
  var high = w2 >> 11u;
  let odd = low & 1u;
  if (rest > 0x400u || (rest == 0x400u && (sticky != 0u || odd != 0u))) {
    low += 1u;
    high += u32(low == 0u);
  }
  // The leading one is bit 20 of `high` and adds one to the exponent field; a rounding that carries to bit 21 adds another one, rightly.
  let field = i32(top * 32u + 31u - lead) + exponent + 1022;
  if (field < 0 || field > 2044) {
    return vec2(0u, REFUSED);
  }
  return vec2(low, (u32(negative) << 31u) | ((u32(field) << 20u) + high));
}

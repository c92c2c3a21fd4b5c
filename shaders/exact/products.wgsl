// y_tr = w_r . x_t for quantised rows w, exactly: x_t is an integer on a power-of-two grid of its row, cut into eight digits of a signed byte
// (slices.wgsl), w is small integers times integer scales, and integers are summed without rounding. One rounding, to f64, at the end.
//
// x (nX, nIn / 32, 8 digits, 32 values) as signed bytes; y (pairs of words: f64 bits). One entry: rows of one matrix that follow each other in
// memory, and rows of x that follow each other. A lane sums TOKENS rows of x over every SPLITth block of one row of w; SPLIT lanes share a row.
// Sums over a block of 256 stay below 2^28: 32 products of 2^14 at most, times a sub-scale of at most 2^5 for 8 groups (2^7 where codes have 6 bits).
// A row whose scale is not finite, whose values ggml rounds, or whose blocks lie too far apart is refused (REFUSED in wide.wgsl), never guessed.
#include <type>
#const TOKENS
#include "exact/product_frame.wgsl"

const GROUPS = BLOCK_VALUES / 32u;
const ONES = 0x01010101u;

@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;

// sum of digits * 256^i, as 96 bits, two's complement
fn joined(digits: array<i32, 8>) -> vec3<u32> {
  var low = vec2(0u, 0u);
  var high = vec2(0u, 0u);
  for (var i = 0u; i < 4u; i++) {
    low = plusShifted(low, digits[i], 8u * i);
    high = plusShifted(high, digits[i + 4u], 8u * i);
  }
  let w1 = low.y + high.x;
  let sign = u32(i32(low.y) >> 31u);
  return vec3(low.x, w1, sign + high.y + u32(w1 < high.x));
}

// sum + value * 2^bits in 64 bits
fn plusShifted(sum: vec2<u32>, value: i32, bits: u32) -> vec2<u32> {
  let low = u32(value) << bits;
  var high = u32(value >> 31u);
  if (bits != 0u) { high = u32(value >> (32u - bits)); }
  let total = sum.x + low;
  return vec2(total, sum.y + high + u32(total < low));
}

// acc + digits * scale; false where the scale lies below the unit and the digits are not zero.
fn scaled(acc: ptr<function, Wide>, digits: array<i32, 8>, scale: Scale) -> bool {
  let value = joined(digits);
  if (all(value == vec3(0u)) || scale.mantissa == 0) {
    return true;
  }
  if (scale.shift < 0) {
    return false;
  }
  var product = times(value, u32(abs(scale.mantissa)));
  if (scale.mantissa < 0) {
    product = negated(product);
  }
  addShifted(acc, product, u32(scale.shift));
  return true;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let entry = entries[group.z];
  let rowsHere = LANES / SPLIT;
  let firstX = group.y * TOKENS;
  if (group.x * rowsHere >= entry.rows || firstX >= entry.nX) {
    return;
  }
  let row = group.x * rowsHere + lane / SPLIT;
  let at = entry.at + min(row, entry.rows - 1u) * params.rowBytes;
  let blocks = params.nIn / BLOCK_VALUES;
  prepareRow(at, blocks);

  var acc: array<Wide, TOKENS>;
  var sound = true;
  for (var b = lane % SPLIT; b < blocks; b += SPLIT) {
    let block = at + b * BLOCK_BYTES;
    let scale = scaleOf(block);
    let low = lowOf(block);
    sound = sound && scale.finite && low.finite && unrounded(scale, low);
    var sums = array<array<i32, 8>, TOKENS>();
    var lows = array<array<i32, 8>, TOKENS>();
    for (var g = 0u; g < GROUPS; g++) {
      let w = groupAt(block, g);
      for (var t = 0u; t < TOKENS; t++) {
        let xRow = entry.firstX + min(firstX + t, entry.nX - 1u);
        let xAt = (xRow * (params.nIn / 32u) + b * GROUPS + g) * 16u;
        for (var digit = 0u; digit < 8u; digit++) {
          let a = x[xAt + 2u * digit];
          let c = x[xAt + 2u * digit + 1u];
          let first = dot4I8Packed(w.q[0], a.x) + dot4I8Packed(w.q[1], a.y) + dot4I8Packed(w.q[2], a.z) + dot4I8Packed(w.q[3], a.w);
          let second = dot4I8Packed(w.q[4], c.x) + dot4I8Packed(w.q[5], c.y) + dot4I8Packed(w.q[6], c.z) + dot4I8Packed(w.q[7], c.w);
          sums[t][digit] += w.scale.x * first + w.scale.y * second;
          if (HAS_LOW) {
            let onesFirst = dot4I8Packed(ONES, a.x) + dot4I8Packed(ONES, a.y) + dot4I8Packed(ONES, a.z) + dot4I8Packed(ONES, a.w);
            let onesSecond = dot4I8Packed(ONES, c.x) + dot4I8Packed(ONES, c.y) + dot4I8Packed(ONES, c.z) + dot4I8Packed(ONES, c.w);
            lows[t][digit] += w.low.x * onesFirst + w.low.y * onesSecond;
          }
        }
      }
    }
    for (var t = 0u; t < TOKENS; t++) {
      sound = scaled(&acc[t], sums[t], scale) && sound;
      if (HAS_LOW) {
        sound = scaled(&acc[t], lows[t], low) && sound;
      }
    }
  }

  for (var t = 0u; t < TOKENS; t++) {
    finish(&acc[t], sound, lane, entry, row, firstX + t, unitExponent());
  }
}

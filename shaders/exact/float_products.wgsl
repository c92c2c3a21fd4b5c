// y_tr = w_r . x_t for rows of floats, exactly: each weight is an integer of 24 bits times a power of two, x_t an integer on the grid of its row
// (fixed.wgsl), and integers are summed without rounding. One rounding, to f64, at the end.
//
// x (nX, nIn) integers of 64 bits; y as in products.wgsl. A lane sums one row of x over every SPLITth weight of a row of w.
// A row with a weight that is not finite, or that lies more than 2^60 below its largest one, is refused.
#include <type>
#include "exact/product_frame.wgsl"

@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let entry = entries[group.z];
  let rowsHere = LANES / SPLIT;
  if (group.x * rowsHere >= entry.rows || group.y >= entry.nX) {
    return;
  }
  let row = group.x * rowsHere + lane / SPLIT;
  let at = entry.at + min(row, entry.rows - 1u) * params.rowBytes;
  let unit = unitOf(at, params.nIn);
  let xAt = (entry.firstX + group.y) * params.nIn;
  var acc: Wide;
  var sound = true;
  for (var j = lane % SPLIT; j < params.nIn; j += SPLIT) {
    let w = weightAt(at, j);
    sound = sound && w.finite;
    if (w.mantissa == 0) {
      continue;
    }
    let shift = w.shift - unit;
    if (shift < 0) {
      sound = false;
      continue;
    }
    let value = x[xAt + j];
    var product = times(vec3(value, u32(i32(value.y) >> 31u)), u32(abs(w.mantissa)));
    if (w.mantissa < 0) {
      product = negated(product);
    }
    addShifted(&acc, product, u32(shift));
  }
  finish(&acc, sound, lane, entry, row, group.y, unit - UNIT);
}

// BATCHES times ROWS rows a team of W (gain x) * inverseSqrt(sum x^2 / N_IN + eps), each given to the kernel's `emit(row, value)`.
// SUMS is ROWS + 1: the squares.
#include "decode/lib/team_dot.wgsl"

// Rows from firstRow on that one workgroup takes, of `rows` rows of rowVec4s vec4s. The norm's scale.
fn normRows(firstRow: u32, rows: u32, rowVec4s: u32, lane: u32) -> f32 {
  let member = lane % LANES;
  var scale = 0.0;
  for (var b = 0u; b < BATCHES; b++) {
    let first = firstRow + (b * (GROUP / LANES) + lane / LANES) * ROWS;
    let places = rowPlaces(first, rows, rowVec4s);
    let loaded = loadRows(places, firstUnit(member));
    var sums: array<f32, SUMS>;
    if (b == 0u) {
      sums[ROWS] = someSquares(member);
    }
    let dots = dotRows(places, member, loaded);
    for (var r = 0u; r < ROWS; r++) {
      sums[r] = dots[r];
    }
    let totals = teamTotals(sums, lane);
    if (b == 0u) {
      scale = normScale(totals[ROWS]);
    }
    for (var r = 0u; r < ROWS; r++) {
      if (member == r % LANES && first + r < rows) {
        emit(first + r, totals[r] * scale);
      }
    }
  }
  return scale;
}

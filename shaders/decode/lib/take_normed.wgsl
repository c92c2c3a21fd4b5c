// Adds up a row of W (gain x), scales it as the RMSNorm does, and gives it to the kernel's `emit(row, value)`.
var<private> scale: f32;
// someSquares of this lane: main takes them first.
var<private> laneSquares: f32;
// Rows from here on do not exist.
var<private> endRow: u32;

fn takeRow(row: u32, sum: f32, lane: u32) {
  let totals = teamTotals(vec3(sum, laneSquares, 0.0), lane);
  scale = normScale(totals.y);
  if (lane % LANES == 0u && row < endRow) {
    emit(row, totals.x * scale);
  }
}

// Adds up a batch of rows of W (gain x), scales them as the RMSNorm does, and gives them to the kernel's `emit(row, value)`.
// SUMS is ROWS + 1: the squares.
var<private> scale: f32;
// someSquares of this lane: main takes them first.
var<private> laneSquares: f32;
// Rows from here on do not exist.
var<private> endRow: u32;

fn takeRows(first: u32, dots: array<f32, ROWS>, lane: u32) {
  let member = lane % LANES;
  var sums: array<f32, SUMS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = dots[r];
  }
  sums[ROWS] = laneSquares;
  let totals = teamTotals(sums, lane);
  scale = normScale(totals[ROWS]);
  for (var r = 0u; r < ROWS; r++) {
    if (member == r % LANES && first + r < endRow) {
      emit(first + r, totals[r] * scale);
    }
  }
}

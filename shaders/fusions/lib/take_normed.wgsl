// Adds up a lane group's rows of W (gain x), scales them as the RMSNorm does, and gives each to the kernel's `emit(row, value)`, a lane each.
// squares: someSquares of the lane. rows: those from here on do not exist. Returns the scale.
fn takeRows(firstRow: u32, step: u32, rows: u32, own: vec4<f32>, squares: f32, lane: u32) -> f32 {
  let scale = normScale(laneGroupTotal(squares, lane));
  let totals = laneGroupTotals(own, lane) * scale;
  let member = lane % LANES;
  let row = firstRow + member * step;
  if (member < params.batches && row < rows) {
    emit(row, pickOf(totals, member));
  }
  return scale;
}

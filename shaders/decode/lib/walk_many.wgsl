// Rows of any length: lane m walks the units m, m + LANES, ...
// Every row is given to the kernel's `takeRow(row, sum, lane)`, sum the lane's share of its product; rows beyond the end repeat the last one.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  for (var b = 0u; b < batches; b++) {
    let row = firstRow + b * step;
    let place = (base + min(row, rows - 1u)) * rowVec4s;
    var sum = 0.0;
    for (var u = lane % LANES; u < rowUnits(N_IN); u += LANES) {
      sum += unitDot(loadUnit(place, N_IN, u), laneX(u));
    }
    takeRow(row, sum, lane);
  }
}

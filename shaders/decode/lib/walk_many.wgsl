// Rows of any length: lane m walks the units m, m + LANES, ...
// Every batch of ROWS rows is given to the kernel's `takeRows(first, sums, lane)`, the lane's share of each row's product.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  for (var b = 0u; b < batches; b++) {
    let first = firstRow + b * step;
    let places = rowPlaces(base + first, base + rows, rowVec4s);
    var sums: array<f32, ROWS>;
    for (var u = lane % LANES; u < rowUnits(N_IN); u += LANES) {
      let some = dotLoaded(loadRows(places, u), laneX(u));
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += some[r];
      }
    }
    takeRows(first, sums, lane);
  }
}

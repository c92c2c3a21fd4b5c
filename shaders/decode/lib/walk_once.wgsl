// Rows of at most LANES units: lane m has unit m or none. Weights of the next rows are under way while those of these are computed.
// Every batch of ROWS rows is given to the kernel's `takeRows(first, sums, lane)`, the lane's share of each row's product.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  let member = lane % LANES;
  let unit = min(member, rowUnits(N_IN) - 1u);
  let isOwn = member < rowUnits(N_IN);
  var next = loadRows(rowPlaces(base + firstRow, base + rows, rowVec4s), unit);
  let x = laneX(unit);
  for (var b = 0u; b < batches; b++) {
    let loaded = next;
    let first = firstRow + b * step;
    if (b + 1u < batches) {
      next = loadRows(rowPlaces(base + first + step, base + rows, rowVec4s), unit);
    }
    var sums = dotLoaded(loaded, x);
    for (var r = 0u; r < ROWS; r++) {
      sums[r] = select(0.0, sums[r], isOwn);
    }
    takeRows(first, sums, lane);
  }
}

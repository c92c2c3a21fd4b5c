// Rows of at most LANES units: lane m has unit m or none. The weights of the next row are under way while those of this one are computed.
// Every row is given to the kernel's `takeRow(row, sum, lane)`, sum the lane's share of its product; rows beyond the end repeat the last one.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  let member = lane % LANES;
  let unit = min(member, rowUnits(N_IN) - 1u);
  let isOwn = member < rowUnits(N_IN);
  var next = loadUnit((base + min(firstRow, rows - 1u)) * rowVec4s, N_IN, unit);
  let x = laneX(unit);
  for (var b = 0u; b < batches; b++) {
    let loaded = next;
    let row = firstRow + b * step;
    if (b + 1u < batches) {
      next = loadUnit((base + min(row + step, rows - 1u)) * rowVec4s, N_IN, unit);
    }
    takeRow(row, select(0.0, unitDot(loaded, x), isOwn), lane);
  }
}

// Rows of any length: lane m of team `share` walks the units share * LANES + m, (SHARE + share) * LANES + m, ... The next unit's weights are under way while those of this one are computed.
// Every row is given to the kernel's `takeRow(row, sum, lane)`, sum the lane's share of its product; rows beyond the end repeat the last one.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  let units = rowUnits(N_IN);
  let start = share * LANES + lane % LANES;
  for (var b = 0u; b < batches; b++) {
    let row = firstRow + b * step;
    let place = (base + min(row, rows - 1u)) * rowVec4s;
    var sum = 0.0;
    var next = loadUnit(place, N_IN, min(start, units - 1u));
    for (var u = start; u < units; u += SHARE * LANES) {
      let loaded = next;
      if (u + SHARE * LANES < units) {
        next = loadUnit(place, N_IN, u + SHARE * LANES);
      }
      sum += unitDot(loaded, laneX(u));
    }
    takeRow(row, sum, lane);
  }
}

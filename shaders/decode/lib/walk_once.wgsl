// Rows of at most SHARE * LANES units: lane m of team `share` has unit share * LANES + m or none. The weights of the next three rows are under way while those of this one are
// computed: with x in registers few workgroups run at a time, and memory needs that many loads to be busy.
// Every row is given to the kernel's `takeRow(row, sum, lane)`, sum the lane's share of its product; rows beyond the end repeat the last one.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) {
  let wanted = share * LANES + lane % LANES;
  let unit = min(wanted, rowUnits(N_IN) - 1u);
  let isOwn = wanted < rowUnits(N_IN);
  let last = rows - 1u;
  var next = loadUnit((base + min(firstRow, last)) * rowVec4s, N_IN, unit);
  var second = next;
  var third = next;
  if (batches > 1u) {
    second = loadUnit((base + min(firstRow + step, last)) * rowVec4s, N_IN, unit);
  }
  if (batches > 2u) {
    third = loadUnit((base + min(firstRow + 2u * step, last)) * rowVec4s, N_IN, unit);
  }
  let x = laneX(unit);
  for (var b = 0u; b < batches; b++) {
    let loaded = next;
    let row = firstRow + b * step;
    next = second;
    second = third;
    if (b + 3u < batches) {
      third = loadUnit((base + min(row + 3u * step, last)) * rowVec4s, N_IN, unit);
    }
    takeRow(row, select(0.0, unitDot(loaded, x), isOwn), lane);
  }
}

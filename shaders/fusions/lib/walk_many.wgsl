// Rows of any length: lane m of lane group `share` walks the units share * LANES + m, (SHARE + share) * LANES + m, ... The next unit's weights are
// under way while those of this one are computed.
// The lane's share of the products of rows firstRow, firstRow + step, ...; `batches` of them, at most 4. Rows beyond the end repeat the last.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) -> vec4<f32> {
  let units = rowUnits(N_IN);
  let start = share * LANES + lane % LANES;
  var sums = vec4(0.0);
  for (var b = 0u; b < batches; b++) {
    let place = (base + min(firstRow + b * step, rows - 1u)) * rowVec4s;
    var sum = 0.0;
    var next = loadUnit(place, N_IN, min(start, units - 1u));
    for (var u = start; u < units; u += SHARE * LANES) {
      let loaded = next;
      if (u + SHARE * LANES < units) {
        next = loadUnit(place, N_IN, u + SHARE * LANES);
      }
      sum += unitDot(loaded, laneX(u));
    }
    sums = placed(sums, b, sum);
  }
  return sums;
}

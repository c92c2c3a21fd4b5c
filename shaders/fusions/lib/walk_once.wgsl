// Rows of at most SHARE * LANES units: lane m of lane group `share` has unit share * LANES + m or none. The weights of the next row are under way while
// those of this one are computed.
// The lane's share of the products of rows firstRow, firstRow + step, ...; `batches` of them, at most 4. Rows beyond the end repeat the last.
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) -> vec4<f32> {
  let wanted = share * LANES + lane % LANES;
  let unit = min(wanted, rowUnits(N_IN) - 1u);
  let isOwn = wanted < rowUnits(N_IN);
  let last = rows - 1u;
  var next = fetch((base + min(firstRow, last)) * rowVec4s, N_IN, unit);
  let x = laneX(unit);
  var sums = vec4(0.0);
  for (var b = 0u; b < batches; b++) {
    let loaded = next;
    if (b + 1u < batches) {
      next = fetch((base + min(firstRow + (b + 1u) * step, last)) * rowVec4s, N_IN, unit);
    }
    sums = placed(sums, b, unitDot(unitOf(loaded, unit), x));
  }
  return select(vec4(0.0), sums, isOwn);
}

// The sums over a team's LANES lanes through workgroup memory, added up in lane order by every lane.
var<workgroup> partials: array<f32, SUMS * GROUP>;

fn teamTotals(sums: array<f32, SUMS>, lane: u32) -> array<f32, SUMS> {
  // Whoever still reads the totals before.
  workgroupBarrier();
  for (var i = 0u; i < SUMS; i++) {
    partials[i * GROUP + lane] = sums[i];
  }
  workgroupBarrier();
  var totals: array<f32, SUMS>;
  for (var i = 0u; i < SUMS; i++) {
    let first = i * GROUP + (lane / LANES) * LANES;
    for (var k = 0u; k < LANES; k++) {
      totals[i] += partials[first + k];
    }
  }
  return totals;
}

// The sums over a team's LANES lanes by a butterfly within the subgroup: a fixed order, and every lane has the totals. LANES must not
// exceed the adapter's smallest subgroup, and lanes of a subgroup must be neighbours (src/gpu/matmul/subgroup-lanes.ts asks).
// Included ahead of everything else, because of the directive.
enable subgroups;

fn teamTotals(sums: array<f32, SUMS>, lane: u32) -> array<f32, SUMS> {
  var totals = sums;
  for (var gap = LANES / 2u; gap > 0u; gap >>= 1u) {
    for (var i = 0u; i < SUMS; i++) {
      totals[i] += subgroupShuffleXor(totals[i], gap);
    }
  }
  return totals;
}

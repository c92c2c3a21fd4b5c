// The sums over a lane group's LANES lanes by a butterfly within the subgroup: a fixed order. LANES must not exceed the adapter's smallest
// subgroup, and lanes of a subgroup must be neighbours in the workgroup (src/gpu/matmul/subgroup-lanes.ts asks the adapter).
// Included ahead of everything else, because of the directive.
enable subgroups;

fn storeLaneGroupSums(place: Place, laneGroup: u32, member: u32, sums: array<f32, SUMS>) {
  for (var i = 0u; i < SUMS; i++) {
    var sum = sums[i];
    for (var step = LANES / 2u; step > 0u; step >>= 1u) {
      sum += subgroupShuffleXor(sum, step);
    }
    if (member == i % LANES) {
      storeSum(place, laneGroup, i, sum);
    }
  }
}

// The sums over a lane group's LANES lanes by a butterfly within the subgroup: a fixed order, and every lane has the totals. LANES must not
// exceed the adapter's smallest subgroup, and lanes of a subgroup must be neighbours (src/gpu/matmul/subgroup-lanes.ts asks).
// Included ahead of everything else, because of the directive.
enable subgroups;

fn laneGroupTotals(own: vec4<f32>, lane: u32) -> vec4<f32> {
  var sums = own;
  if (LANES >= 32u) {
    sums += subgroupShuffleXor(sums, 16u);
  }
  if (LANES >= 16u) {
    sums += subgroupShuffleXor(sums, 8u);
  }
  if (LANES >= 8u) {
    sums += subgroupShuffleXor(sums, 4u);
  }
  sums += subgroupShuffleXor(sums, 2u);
  return sums + subgroupShuffleXor(sums, 1u);
}

fn laneGroupTotal(own: f32, lane: u32) -> f32 {
  var sum = own;
  if (LANES >= 32u) {
    sum += subgroupShuffleXor(sum, 16u);
  }
  if (LANES >= 16u) {
    sum += subgroupShuffleXor(sum, 8u);
  }
  if (LANES >= 8u) {
    sum += subgroupShuffleXor(sum, 4u);
  }
  sum += subgroupShuffleXor(sum, 2u);
  return sum + subgroupShuffleXor(sum, 1u);
}

// The sums over a lane group's LANES lanes through workgroup memory, each added up by one lane in lane order. One barrier.
// 129, not 128: the sums of a lane begin in different banks.
var<workgroup> partials: array<f32, SUMS * 129u>;

fn storeLaneGroupSums(place: Place, laneGroup: u32, member: u32, sums: array<f32, SUMS>) {
  let lane = laneGroup * LANES + member;
  for (var i = 0u; i < SUMS; i++) {
    partials[i * 129u + lane] = sums[i];
  }
  workgroupBarrier();
  for (var j = lane; j < (128u / LANES) * SUMS; j += 128u) {
    let i = j % SUMS;
    let first = i * 129u + (j / SUMS) * LANES;
    var sum = partials[first];
    for (var k = 1u; k < LANES; k++) {
      sum += partials[first + k];
    }
    storeSum(place, j / SUMS, i, sum);
  }
}

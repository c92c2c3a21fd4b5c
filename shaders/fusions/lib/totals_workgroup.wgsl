// The sums over a lane group's LANES lanes through workgroup memory, added up in lane order by every lane.
var<workgroup> partials: array<vec4<f32>, GROUP>;

fn laneGroupTotals(own: vec4<f32>, lane: u32) -> vec4<f32> {
  // Other lanes may still read the previous sums.
  workgroupBarrier();
  partials[lane] = own;
  workgroupBarrier();
  var sums = vec4(0.0);
  for (var k = 0u; k < LANES; k++) {
    sums += partials[lane / LANES * LANES + k];
  }
  return sums;
}

fn laneGroupTotal(own: f32, lane: u32) -> f32 {
  return laneGroupTotals(vec4(own, 0.0, 0.0, 0.0), lane).x;
}

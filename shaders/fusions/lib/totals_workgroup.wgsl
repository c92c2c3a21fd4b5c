// The sums over a team's LANES lanes through workgroup memory, added up in lane order by every lane.
var<workgroup> partials: array<vec4<f32>, GROUP>;

fn teamTotals(own: vec4<f32>, lane: u32) -> vec4<f32> {
  // Whoever still reads the sums before.
  workgroupBarrier();
  partials[lane] = own;
  workgroupBarrier();
  var sums = vec4(0.0);
  for (var k = 0u; k < LANES; k++) {
    sums += partials[lane / LANES * LANES + k];
  }
  return sums;
}

fn teamTotal(own: f32, lane: u32) -> f32 {
  return teamTotals(vec4(own, 0.0, 0.0, 0.0), lane).x;
}

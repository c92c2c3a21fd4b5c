// How a workgroup's lanes are used: SHARE lane groups of LANES lanes for each row of N_IN columns; a lane group takes up to 4 rows. LANES is at least 4.
override LANES = 32u;
override GROUP = 128u;
override SHARE = 1u;
override N_IN = 2048u;

// Which of its row's lane groups a lane belongs to. Below SHARE.
var<private> share: u32;

// `sums` with sum b set.
fn placed(sums: vec4<f32>, b: u32, sum: f32) -> vec4<f32> {
  return select(sums, vec4(sum), vec4(b) == vec4(0u, 1u, 2u, 3u));
}

// The one of four that belongs to a lane of the lane group.
fn pickOf(sums: vec4<f32>, b: u32) -> f32 {
  return select(select(sums.x, sums.y, b == 1u), select(sums.z, sums.w, b == 3u), b >= 2u);
}

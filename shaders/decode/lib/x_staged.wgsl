// x in workgroup memory: taken from the GPU's memory once a workgroup, by neighbouring lanes. STAGED is stagedPlace(last column) + 1.
// Lanes of a team read units side by side, 8, 16 or 32 columns apart: the places keep eight such lanes in different banks.
override STAGED = 592u;

var<workgroup> staged: array<vec4<f32>, STAGED>;

fn stagedPlace(column: u32) -> u32 {
  return column + 5u * (column >> 5u) + 4u * ((column >> 4u) & 1u);
}

// Before the barrier.
fn fillX(lane: u32) {
  for (var c = lane; c < N_IN / 4u; c += GROUP) {
    staged[stagedPlace(c)] = sourceX(c);
  }
}

// After the barrier.
fn xAt(column: u32) -> vec4<f32> {
  return staged[stagedPlace(column)];
}

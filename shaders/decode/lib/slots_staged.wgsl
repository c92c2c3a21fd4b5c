// x of every slot in workgroup memory, USED times STAGED places (see x_staged.wgsl).
override STAGED = 221u;

var<workgroup> staged: array<vec4<f32>, USED * STAGED>;
var<private> slotOfX: u32;

fn stagedPlace(column: u32) -> u32 {
  return column + 5u * (column >> 5u) + 4u * ((column >> 4u) & 1u);
}

// Before the barrier.
fn fillX(lane: u32) {
  for (var s = 0u; s < USED; s++) {
    for (var c = lane; c < N_IN / 4u; c += GROUP) {
      staged[s * STAGED + stagedPlace(c)] = x[s * (N_IN / 4u) + c];
    }
  }
}

// After the barrier.
fn xAt(column: u32) -> vec4<f32> {
  return staged[slotOfX * STAGED + stagedPlace(column)];
}

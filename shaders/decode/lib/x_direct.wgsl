// x where it lies: for adapters whose workgroup memory does not hold it.
fn fillX(lane: u32) {
  for (var c = lane; c < N_IN / 4u; c += GROUP) {
    _ = sourceX(c);
  }
}

fn xAt(column: u32) -> vec4<f32> {
  return sourceX(column);
}

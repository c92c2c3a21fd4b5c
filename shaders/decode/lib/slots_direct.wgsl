// x of every slot where it lies: for adapters whose workgroup memory does not hold it.
var<private> slotOfX: u32;

fn fillX(lane: u32) {
}

fn xAt(column: u32) -> vec4<f32> {
  return x[slotOfX * (N_IN / 4u) + column];
}

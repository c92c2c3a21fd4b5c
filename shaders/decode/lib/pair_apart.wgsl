// ROWS rows of gate, then ROWS rows of up, of two types.
fn dotPairs(
  gate: array<u32, ROWS>,
  up: array<u32, ROWS>,
  member: u32,
  firstGate: array<UnitGate, ROWS>,
  firstUp: array<UnitUp, ROWS>,
) -> array<f32, 2u * ROWS> {
  let gates = dotRowsGate(gate, member, firstGate);
  let ups = dotRowsUp(up, member, firstUp);
  var sums: array<f32, 2u * ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = gates[r];
    sums[ROWS + r] = ups[r];
  }
  return sums;
}

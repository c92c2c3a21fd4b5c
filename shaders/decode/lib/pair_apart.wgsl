// ROWS rows of gate, then ROWS rows of up, of two types: x is taken for each, its squares counted once.
fn dotPairs(gate: array<u32, ROWS>, up: array<u32, ROWS>, member: u32) -> array<f32, 2u * ROWS> {
  let gates = dotRowsGate(gate, params.nIn, member);
  let counted = squares;
  let ups = dotRowsUp(up, params.nIn, member);
  squares = counted;
  var sums: array<f32, 2u * ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = gates[r];
    sums[ROWS + r] = ups[r];
  }
  return sums;
}

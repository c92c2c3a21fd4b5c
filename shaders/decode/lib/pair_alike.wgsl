// ROWS rows of gate, then ROWS rows of up, of one type: x is taken once for both.
fn dotPairs(
  gate: array<u32, ROWS>,
  up: array<u32, ROWS>,
  member: u32,
  firstGate: array<UnitGate, ROWS>,
  firstUp: array<UnitUp, ROWS>,
) -> array<f32, 2u * ROWS> {
  var sums: array<f32, 2u * ROWS>;
  let units = rowUnitsGate(N_IN);
  var gates = firstGate;
  var ups = firstUp;
  for (var u = member; u < units; u += LANES) {
    var nextGates = gates;
    var nextUps = ups;
    if (u + LANES < units) {
      nextGates = loadRowsGate(gate, u + LANES);
      nextUps = loadRowsUp(up, u + LANES);
    }
    for (var c = 0u; c < CHUNKSGate; c++) {
      let v = chunkXGate(u, c);
      let total = chunkTotalGate(v);
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += chunkDotGate(gates[r], c, v, total);
        sums[ROWS + r] += chunkDotUp(ups[r], c, v, total);
      }
    }
    gates = nextGates;
    ups = nextUps;
  }
  return sums;
}

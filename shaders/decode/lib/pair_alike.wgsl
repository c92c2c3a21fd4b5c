// ROWS rows of gate, then ROWS rows of up, of one type: x is taken once for both.
fn dotPairs(gate: array<u32, ROWS>, up: array<u32, ROWS>, member: u32) -> array<f32, 2u * ROWS> {
  var sums: array<f32, 2u * ROWS>;
  let units = rowUnitsGate(params.nIn);
  for (var u = member; u < units; u += LANES) {
    var gates = array<UnitGate, ROWS>();
    var ups = array<UnitUp, ROWS>();
    for (var r = 0u; r < ROWS; r++) {
      gates[r] = loadUnitGate(gate[r], params.nIn, u);
      ups[r] = loadUnitUp(up[r], params.nIn, u);
    }
    for (var c = 0u; c < CHUNKSGate; c++) {
      let v = chunkXGate(u, c);
      let total = chunkTotalGate(v);
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += chunkDotGate(gates[r], c, v, total);
        sums[ROWS + r] += chunkDotUp(ups[r], c, v, total);
      }
    }
  }
  return sums;
}

// Gate and up of any types, rows of any length (lib/walk_many.wgsl).
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, lane: u32) {
  for (var b = 0u; b < params.batches; b++) {
    let row = firstRow + b * step;
    let gatePlace = (gateRow + min(row, params.rows - 1u)) * params.stepGate;
    let upPlace = (upRow + min(row, params.rows - 1u)) * params.stepUp;
    var sums = vec2(0.0);
    for (var u = lane % LANES; u < rowUnitsGate(N_IN); u += LANES) {
      sums.x += unitDotGate(loadUnitGate(gatePlace, N_IN, u), laneXGate(u));
    }
    for (var u = lane % LANES; u < rowUnitsUp(N_IN); u += LANES) {
      sums.y += unitDotUp(loadUnitUp(upPlace, N_IN, u), laneXUp(u));
    }
    takePair(row, sums, lane);
  }
}

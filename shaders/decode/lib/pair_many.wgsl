// Gate and up of any types, rows of any length (lib/walk_many.wgsl).
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, slot: u32, lane: u32) {
  for (var b = 0u; b < params.batches; b++) {
    let first = firstRow + b * step;
    let gatePlaces = rowPlacesGate(gateRow + first, gateRow + params.rows, params.stepGate);
    let upPlaces = rowPlacesUp(upRow + first, upRow + params.rows, params.stepUp);
    var gates: array<f32, ROWS>;
    var ups: array<f32, ROWS>;
    for (var u = lane % LANES; u < rowUnitsGate(N_IN); u += LANES) {
      let some = dotLoadedGate(loadRowsGate(gatePlaces, u), laneXGate(u));
      for (var r = 0u; r < ROWS; r++) {
        gates[r] += some[r];
      }
    }
    for (var u = lane % LANES; u < rowUnitsUp(N_IN); u += LANES) {
      let some = dotLoadedUp(loadRowsUp(upPlaces, u), laneXUp(u));
      for (var r = 0u; r < ROWS; r++) {
        ups[r] += some[r];
      }
    }
    takePairs(first, slot, gates, ups, lane);
  }
}

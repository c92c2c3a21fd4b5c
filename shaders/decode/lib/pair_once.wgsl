// Gate and up of one type, rows of at most LANES units (lib/walk_once.wgsl): x is kept once for both.
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, lane: u32) {
  let member = lane % LANES;
  let unit = min(member, rowUnitsGate(N_IN) - 1u);
  let isOwn = member < rowUnitsGate(N_IN);
  let start = min(firstRow, params.rows - 1u);
  var nextGate = loadUnitGate((gateRow + start) * params.stepGate, N_IN, unit);
  var nextUp = loadUnitUp((upRow + start) * params.stepUp, N_IN, unit);
  let x = laneXGate(unit);
  let xUp = LaneXUp(x.first, x.second, x.totals);
  for (var b = 0u; b < params.batches; b++) {
    let gate = nextGate;
    let up = nextUp;
    let row = firstRow + b * step;
    if (b + 1u < params.batches) {
      let following = min(row + step, params.rows - 1u);
      nextGate = loadUnitGate((gateRow + following) * params.stepGate, N_IN, unit);
      nextUp = loadUnitUp((upRow + following) * params.stepUp, N_IN, unit);
    }
    let sums = vec2(unitDotGate(gate, x), unitDotUp(up, xUp));
    takePair(row, select(vec2(0.0), sums, isOwn), lane);
  }
}

// Gate and up of one type, rows of at most LANES units (lib/walk_once.wgsl): x is kept once for both.
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, lane: u32) {
  let member = lane % LANES;
  let unit = min(member, rowUnitsGate(N_IN) - 1u);
  let isOwn = member < rowUnitsGate(N_IN);
  let last = params.rows - 1u;
  let start = min(firstRow, last);
  var nextGate = loadUnitGate((gateRow + start) * params.stepGate, N_IN, unit);
  var nextUp = loadUnitUp((upRow + start) * params.stepUp, N_IN, unit);
  var secondGate = nextGate;
  var secondUp = nextUp;
  if (params.batches > 1u) {
    let following = min(firstRow + step, last);
    secondGate = loadUnitGate((gateRow + following) * params.stepGate, N_IN, unit);
    secondUp = loadUnitUp((upRow + following) * params.stepUp, N_IN, unit);
  }
  let x = laneXGate(unit);
  let xUp = LaneXUp(x.first, x.second, x.totals);
  for (var b = 0u; b < params.batches; b++) {
    let gate = nextGate;
    let up = nextUp;
    let row = firstRow + b * step;
    nextGate = secondGate;
    nextUp = secondUp;
    if (b + 2u < params.batches) {
      let following = min(row + 2u * step, last);
      secondGate = loadUnitGate((gateRow + following) * params.stepGate, N_IN, unit);
      secondUp = loadUnitUp((upRow + following) * params.stepUp, N_IN, unit);
    }
    let sums = vec2(unitDotGate(gate, x), unitDotUp(up, xUp));
    takePair(row, select(vec2(0.0), sums, isOwn), lane);
  }
}

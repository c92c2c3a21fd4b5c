// Gate and up of one type, rows of at most LANES units (lib/walk_once.wgsl): x is kept once for both.
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, lane: u32) -> Pairs {
  let member = lane % LANES;
  let unit = min(member, rowUnitsGate(N_IN) - 1u);
  let isOwn = member < rowUnitsGate(N_IN);
  let last = params.rows - 1u;
  let start = min(firstRow, last);
  var nextGate = fetchGate((gateRow + start) * params.stepGate, N_IN, unit);
  var nextUp = fetchUp((upRow + start) * params.stepUp, N_IN, unit);
  var secondGate = nextGate;
  var secondUp = nextUp;
  if (params.batches > 1u) {
    let following = min(firstRow + step, last);
    secondGate = fetchGate((gateRow + following) * params.stepGate, N_IN, unit);
    secondUp = fetchUp((upRow + following) * params.stepUp, N_IN, unit);
  }
  let x = laneXGate(unit);
  let xUp = LaneXUp(x.first, x.second, x.totals);
  var sums = Pairs();
  for (var b = 0u; b < params.batches; b++) {
    let gate = nextGate;
    let up = nextUp;
    nextGate = secondGate;
    nextUp = secondUp;
    if (b + 2u < params.batches) {
      let following = min(firstRow + (b + 2u) * step, last);
      secondGate = fetchGate((gateRow + following) * params.stepGate, N_IN, unit);
      secondUp = fetchUp((upRow + following) * params.stepUp, N_IN, unit);
    }
    sums = Pairs(placed(sums.gate, b, unitDotGate(unitOfGate(gate, unit), x)), placed(sums.up, b, unitDotUp(unitOfUp(up, unit), xUp)));
  }
  return Pairs(select(vec4(0.0), sums.gate, isOwn), select(vec4(0.0), sums.up, isOwn));
}

// Gate and up of one type, rows of at most LANES units (lib/walk_once.wgsl): x is kept once for both.
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, slot: u32, lane: u32) {
  let member = lane % LANES;
  let unit = min(member, rowUnitsGate(N_IN) - 1u);
  let isOwn = member < rowUnitsGate(N_IN);
  let gateEnd = gateRow + params.rows;
  let upEnd = upRow + params.rows;
  var nextGates = loadRowsGate(rowPlacesGate(gateRow + firstRow, gateEnd, params.stepGate), unit);
  var nextUps = loadRowsUp(rowPlacesUp(upRow + firstRow, upEnd, params.stepUp), unit);
  let x = laneXGate(unit);
  let xUp = LaneXUp(x.values, x.totals);
  for (var b = 0u; b < params.batches; b++) {
    let gates = nextGates;
    let ups = nextUps;
    let first = firstRow + b * step;
    if (b + 1u < params.batches) {
      nextGates = loadRowsGate(rowPlacesGate(gateRow + first + step, gateEnd, params.stepGate), unit);
      nextUps = loadRowsUp(rowPlacesUp(upRow + first + step, upEnd, params.stepUp), unit);
    }
    var gateSums = dotLoadedGate(gates, x);
    var upSums = dotLoadedUp(ups, xUp);
    for (var r = 0u; r < ROWS; r++) {
      gateSums[r] = select(0.0, gateSums[r], isOwn);
      upSums[r] = select(0.0, upSums[r], isOwn);
    }
    takePairs(first, slot, gateSums, upSums, lane);
  }
}

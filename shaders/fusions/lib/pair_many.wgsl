// Gate and up of any types, rows of any length (lib/walk_many.wgsl).
fn walkPairs(firstRow: u32, step: u32, gateRow: u32, upRow: u32, lane: u32) -> Pairs {
  return Pairs(
    walkRowsGate(firstRow, step, params.batches, gateRow, params.rows, params.stepGate, lane),
    walkRowsUp(firstRow, step, params.batches, upRow, params.rows, params.stepUp, lane),
  );
}

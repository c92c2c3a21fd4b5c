// For types without a grid: nothing to prepare (lib/grid.wgsl).
fn prepareWeights(lane: u32, lanes: u32) {
}

// A matrix that is not there (fusions/qkv.wgsl).
fn walkRows(firstRow: u32, step: u32, batches: u32, base: u32, rows: u32, rowVec4s: u32, lane: u32) -> vec4<f32> {
  return vec4(0.0);
}

fn prepareWeights(lane: u32, lanes: u32) {
}

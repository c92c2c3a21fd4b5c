#include <totals>
// Logits of one token: y[firstRow + r] = W[r] (gain * x) * inverseSqrt(sum x^2 / nIn + eps). nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; W (rows, nIn): the head's rows
// from firstRow on. Row groups fold from x into z. f32 sums.
#include "fusions/lib/lane_group.wgsl"

struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rows: u32,
  step: u32,
  firstRow: u32,
  eps: f32,
  squareCount: u32,
  captureNorm: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> captures: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/stream_x.wgsl"
#include "fusions/lib/take_normed.wgsl"
#include "fusions/lib/lane_group_dot.wgsl"

fn emit(row: u32, value: f32) {
  y[params.firstRow + row] = value;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  prepareWeights(lane, GROUP);
  let place = group.z * groups.x + group.x;
  let squares = someSquares(lane % LANES);
  let step = GROUP / LANES;
  let first = place * step * params.batches + lane / LANES;
  let sums = walkRows(first, step, params.batches, 0u, params.rows, params.step, lane);
  let scale = takeRows(first, step, params.rows, sums, squares, lane);
  if (place == 0u) {
    captureNormed(params.captureNorm, scale, lane);
  }
}

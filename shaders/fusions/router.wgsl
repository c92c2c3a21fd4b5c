#include <totals>
// The router's logits of one token: W (gain * x) * inverseSqrt(sum x^2 / nIn + eps). nIn is N_IN. stream (lib/places.wgsl) holds gain * x and squares; W (rows, nIn). f32 sums.
// y: u32 keys that order as the logits do (rows, padded to a multiple of 32 with 0), then the logits' bits (rows, padded alike). NaN comes
// first, so that the token goes to its expert: one that ranked last would be left out, and the token's weights would be finite.
#include "fusions/lib/lane_group.wgsl"

struct Params {
  // Rows that a lane group takes, at most 4.
  batches: u32,
  rows: u32,
  step: u32,
  eps: f32,
  squareCount: u32,
  captureNorm: u32,
  captureLogits: u32,
}

@group(0) @binding(0) var<storage, read> stream: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<storage, read_write> captures: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "lib/order.wgsl"
#include "fusions/lib/plain_stream_x.wgsl"
#include "fusions/lib/take_normed.wgsl"
#include "fusions/lib/lane_group_dot.wgsl"

fn emit(row: u32, value: f32) {
  let bits = bitcast<u32>(value);
  y[row] = select(orderOf(bits), 0xffffffffu, (bits & 0x7fffffffu) > 0x7f800000u);
  y[((params.rows + 31u) & ~31u) + row] = bits;
  capture(params.captureLogits, row, value);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  prepareWeights(lane, GROUP);
  let squares = someSquares(lane % LANES);
  let step = GROUP / LANES;
  let first = group.x * step * params.batches + lane / LANES;
  let sums = walkRows(first, step, params.batches, 0u, params.rows, params.step, lane);
  let scale = takeRows(first, step, params.rows, sums, squares, lane);
  if (group.x == 0u) {
    captureNormed(params.captureNorm, scale, lane);
  }
}

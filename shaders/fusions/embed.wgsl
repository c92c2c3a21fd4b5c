// The stream of row `token` of the embedding table, dequantised. W (rows, nIn): the rows from firstRow on; a token of another part is left to
// that part's dispatch. y a stream (lib/places.wgsl). One lane a chunk of 32 weights.
struct Params {
  nIn: u32,
  rowVec4s: u32,
  firstRow: u32,
  rows: u32,
  captureEmbedding: u32,
}

@group(0) @binding(0) var<storage, read> token: array<u32>;
@group(0) @binding(1) var<storage, read> gain: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> captures: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/write_stream.wgsl"
#include <weights>

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  prepareWeights(lane, 64u);
  let u = global.x / CHUNKS;
  let c = global.x % CHUNKS;
  // A token below firstRow wraps to a large number.
  let row = token[0] - params.firstRow;
  if (row >= params.rows || u >= rowUnits(params.nIn)) {
    return;
  }
  let w = chunkWeights(loadUnit(row * params.rowVec4s, params.nIn, u), c);
  var squares = 0.0;
  for (var i = 0u; i < 8u; i++) {
    let first = 4u * chunkColumn(u, c, i);
    for (var k = 0u; k < 4u; k++) {
      writeStream(params.nIn, first + k, w[i][k], gain[first + k]);
      squares += w[i][k] * w[i][k];
      capture(params.captureEmbedding, first + k, w[i][k]);
    }
  }
  writeSquares(params.nIn, global.x, squares);
}

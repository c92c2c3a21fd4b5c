// y[i] = row rows[i] of W, as f32: the embedding of tokens.
// rows (count), W (nRows, nIn) in the layout of <weights>, y (count, nIn). One lane a chunk of 32 weights; every value is the format's
// own formula in f32, no sum. Workgroups: x and z over chunks, y over rows.
struct Params {
  nIn: u32,
  // vec4<u32> a row of W.
  rowVec4s: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

#include <weights>

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  prepareWeights(lane, 64u);
  let index = (group.z * groups.x + group.x) * 64u + lane;
  let u = index / CHUNKS;
  let c = index % CHUNKS;
  if (u >= rowUnits(params.nIn)) {
    return;
  }
  let w = chunkWeights(loadUnit(rows[group.y] * params.rowVec4s, params.nIn, u), c);
  for (var i = 0u; i < 8u; i++) {
    let first = 4u * chunkColumn(u, c, i);
    for (var k = 0u; k < 4u; k++) {
      if (first + k < params.nIn) {
        y[group.y * params.nIn + first + k] = w[i][k];
      }
    }
  }
}

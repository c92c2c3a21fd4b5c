// A FAULT ON PURPOSE: y = W x as linear_naive.wgsl computes it, but every sum is rounded to half precision.
// y[yRow][o] = sum over k, in order of k's vec4s, sum = f16(sum + dot4). f32 otherwise; no shader-f16 needed.
// Workgroups: x and z over rows of W, y over entries.
#include "lib/matmul_params.wgsl"
#include <tokens>

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include <weights>

// Elements k to k + 3 of the row of x that begins at `base`; zero beyond nIn.
fn xColumn(base: u32, column: u32) -> vec4<f32> {
  let k = vec4(4u * column) + vec4(0u, 1u, 2u, 3u);
  let at = min(k, vec4(params.nIn - 1u)) + base;
  return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w]), k < vec4(params.nIn));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  prepareWeights(lane, 64u);
  let o = (group.z * groups.x + group.x) * 64u + lane;
  if (o >= params.nOut) {
    return;
  }
  let entry = entries[group.y];
  let count = min(entry.z, TOKENS);
  let row = (entry.x >> 2u) + o * params.rowVec4s;

  var sums: array<f32, TOKENS>;
  let units = rowUnits(params.nIn);
  for (var u = 0u; u < units; u++) {
    let unit = loadUnit(row, params.nIn, u);
    for (var c = 0u; c < CHUNKS; c++) {
      let w = chunkWeights(unit, c);
      for (var t = 0u; t < count; t++) {
        let base = rows[entry.y + t].x * params.xStride + params.xOffset;
        for (var i = 0u; i < 8u; i++) {
          sums[t] = quantizeToF16(sums[t] + dot(w[i], xColumn(base, chunkColumn(u, c, i))));
        }
      }
    }
  }
  for (var t = 0u; t < count; t++) {
    y[rows[entry.y + t].y * params.yStride + params.yOffset + o] = sums[t];
  }
}

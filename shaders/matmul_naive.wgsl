// y = W x for the rows of a work list (lib/matmul_params.wgsl).
// W (nOut, nIn) in the layout of <weights>; x f32, rows anywhere; y f32.
// One lane a row of W, walking along it: 32 weights become f32 once and meet every row of x of the entry. No barrier, no subgroup: the
// reference for the other variants, and the fastest on a software adapter. f32 sums, in order of k's chunks.
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

// Elements k to k + 3 of the row of x that begins at `base`; zero beyond nIn, whatever memory holds there.
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
        var sum = dot(w[0], xColumn(base, chunkColumn(u, c, 0u)));
        sum += dot(w[1], xColumn(base, chunkColumn(u, c, 1u)));
        sum += dot(w[2], xColumn(base, chunkColumn(u, c, 2u)));
        sum += dot(w[3], xColumn(base, chunkColumn(u, c, 3u)));
        sum += dot(w[4], xColumn(base, chunkColumn(u, c, 4u)));
        sum += dot(w[5], xColumn(base, chunkColumn(u, c, 5u)));
        sum += dot(w[6], xColumn(base, chunkColumn(u, c, 6u)));
        sum += dot(w[7], xColumn(base, chunkColumn(u, c, 7u)));
        sums[t] += sum;
      }
    }
  }
  for (var t = 0u; t < count; t++) {
    y[rows[entry.y + t].y * params.yStride + params.yOffset + o] = sums[t];
  }
}

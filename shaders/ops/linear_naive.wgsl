// y = W x for the rows of a work list (lib/matmul_params.wgsl).
// W (nOut, nIn) in the layout of <weights>; x f32, read as <x> says; y f32.
// One lane a row of W, walking along it: 32 weights become f32 once and meet every row of x of the entry. No barrier, no subgroup: the
// reference for the other variants, and the fastest on a software adapter. f32 sums, in order of k's chunks.
// Workgroups: x and z over rows of W, y over entries.
#include "lib/matmul_params.wgsl"
// Most rows of x that one entry of the work list brings.
#const TOKENS

#include <x>
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include <weights>

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
  if (count == 0u) {
    return;
  }
  let row = (entry.x >> 2u) + o * params.rowVec4s;

  var xAt: array<u32, TOKENS>;
  for (var t = 0u; t < count; t++) {
    xAt[t] = xRow(rows[entry.y + t].x * params.xStride + params.xOffset);
  }
  var sums: array<f32, TOKENS>;
  let units = rowUnits(params.nIn);
  for (var u = 0u; u < units; u++) {
    let unit = loadUnit(row, params.nIn, u);
    for (var c = 0u; c < CHUNKS; c++) {
      let w = chunkWeights(unit, c);
      for (var t = 0u; t < count; t++) {
        let at = xAt[t];
        var sum = dot(w[0], xColumn(at, chunkColumn(u, c, 0u)));
        sum += dot(w[1], xColumn(at, chunkColumn(u, c, 1u)));
        sum += dot(w[2], xColumn(at, chunkColumn(u, c, 2u)));
        sum += dot(w[3], xColumn(at, chunkColumn(u, c, 3u)));
        sum += dot(w[4], xColumn(at, chunkColumn(u, c, 4u)));
        sum += dot(w[5], xColumn(at, chunkColumn(u, c, 5u)));
        sum += dot(w[6], xColumn(at, chunkColumn(u, c, 6u)));
        sum += dot(w[7], xColumn(at, chunkColumn(u, c, 7u)));
        sums[t] += sum;
      }
    }
  }
  for (var t = 0u; t < count; t++) {
    y[rows[entry.y + t].y * params.yStride + params.yOffset + o] = sums[t];
  }
}

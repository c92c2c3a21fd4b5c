// y = W x for the rows of a work list (lib/matmul_params.wgsl): many rows of x, as in a prompt.
// W (nOut, nIn) in the layout of <weights>; x f32, every row on 16 bytes; nIn a multiple of 32; y f32.
// A workgroup makes 64 (rows of W) x TOKENS (rows of x) of y, 32 elements of k at a time: lanes 0 to 63 turn 32 weights of a row each into
// f32, lanes 64 to 127 fetch x, both into workgroup memory (at most 16 KiB); then each lane adds to its 4 x TOKENS / 8 sums. f32 sums in
// order of k's chunks. Workgroups: x and z over rows of W, y over entries.
#include "lib/matmul_params.wgsl"
#include <tokens>

const ROWS = 64u;
// Rows of x of one lane.
const MINE = TOKENS / 8u;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include <weights>

// (ROWS, 8) and (TOKENS, 8) vec4s of the same 32 elements of k.
var<workgroup> wTile: array<vec4<f32>, ROWS * 8u>;
var<workgroup> xTile: array<vec4<f32>, TOKENS * 8u>;

// Where vec4 i of a row of a tile lies. The exclusive or spreads one column of eight neighbouring rows over all banks.
fn tileIndex(row: u32, i: u32) -> u32 {
  return row * 8u + (i ^ (row & 7u));
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let firstRow = (group.z * groups.x + group.x) * ROWS;
  let entry = entries[group.y];
  let count = min(entry.z, TOKENS);
  // The lane's rows of the tiles: wRow + 16 i (i < 4) and xRow + 8 j (j < MINE).
  let wRow = lane & 15u;
  let xRow = lane >> 4u;

  // Lanes 0 to 63 load row `lane` of W; rows beyond the end repeat the last one and are not stored.
  let wAt = (entry.x >> 2u) + min(firstRow + (lane & 63u), params.nOut - 1u) * params.rowVec4s;
  // Lanes 64 to 127 load vec4 `xColumn` of every eighth row of x; rows beyond the end are zero.
  let xColumn = lane & 7u;
  let xFirst = (lane & 63u) >> 3u;
  var xAt: array<u32, MINE>;
  for (var j = 0u; j < MINE; j++) {
    let source = rows[entry.y + min(xFirst + 8u * j, count - 1u)].x;
    xAt[j] = (source * params.xStride + params.xOffset) >> 2u;
  }

  // sums[j][i] belongs to row wRow + 16 i of W and row xRow + 8 j of x.
  var sums: array<vec4<f32>, MINE>;
  let units = rowUnits(params.nIn);
  for (var u = 0u; u < units; u++) {
    var unit = Unit();
    if (lane < 64u) {
      unit = loadUnit(wAt, params.nIn, u);
    }
    for (var c = 0u; c < CHUNKS; c++) {
      if (lane < 64u) {
        let w = chunkWeights(unit, c);
        wTile[tileIndex(lane, 0u)] = w[0];
        wTile[tileIndex(lane, 1u)] = w[1];
        wTile[tileIndex(lane, 2u)] = w[2];
        wTile[tileIndex(lane, 3u)] = w[3];
        wTile[tileIndex(lane, 4u)] = w[4];
        wTile[tileIndex(lane, 5u)] = w[5];
        wTile[tileIndex(lane, 6u)] = w[6];
        wTile[tileIndex(lane, 7u)] = w[7];
      } else {
        let column = chunkColumn(u, c, xColumn);
        for (var j = 0u; j < MINE; j++) {
          let t = xFirst + 8u * j;
          xTile[tileIndex(t, xColumn)] = select(vec4(0.0), x[xAt[j] + column], t < count);
        }
      }
      workgroupBarrier();
      for (var i = 0u; i < 8u; i++) {
        let w0 = wTile[tileIndex(wRow, i)];
        let w1 = wTile[tileIndex(wRow + 16u, i)];
        let w2 = wTile[tileIndex(wRow + 32u, i)];
        let w3 = wTile[tileIndex(wRow + 48u, i)];
        for (var j = 0u; j < MINE; j++) {
          let v = xTile[tileIndex(xRow + 8u * j, i)];
          sums[j] += vec4(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
        }
      }
      workgroupBarrier();
    }
  }
  for (var j = 0u; j < MINE; j++) {
    let t = xRow + 8u * j;
    if (t < count) {
      let at = rows[entry.y + t].y * params.yStride + params.yOffset;
      for (var i = 0u; i < 4u; i++) {
        let o = firstRow + wRow + 16u * i;
        if (o < params.nOut) {
          y[at + o] = sums[j][i];
        }
      }
    }
  }
}

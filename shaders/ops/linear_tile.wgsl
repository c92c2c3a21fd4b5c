// y = W x for the rows of a work list (lib/matmul_params.wgsl): many rows of x, as in a prompt.
// W (nOut, nIn) in the layout of <weights>; x f32, every row on 16 bytes; nIn a multiple of 32; y f32.
// A workgroup of 64 lanes makes ROWS (rows of W) x 32 (rows of x) of y, 32 elements of k at a time: ROWS lanes turn 32 weights of a row of W
// each into f32 and all fetch 4 vec4s of x, both into workgroup memory (at most 12 KiB); then each adds to its LANE_ROWS x 4 sums, one fused
// multiplication and addition a term, in order of k's chunks. What the next step reads from memory is on its way meanwhile.
// LANE_ROWS: 8 rows a lane make most of each load; fewer make more workgroups of a small matrix.
// An entry of at most 16 rows of x costs half as much: it has a loop of its own, since asking at every row costs a third of the time (H200).
// Which entry a row lies in changes no bit of it.
// Eight neighbouring lanes take neighbouring rows of W and four such groups neighbouring rows of x, so that the loads of 32 lanes meet every
// bank once. Indices are made with % and /, never &: compilers prove those in range and leave out the clamp.
// Workgroups: x and z over rows of W, y over entries.
#include "lib/matmul_params.wgsl"

// Rows of W of one lane of a tile.
#const LANE_ROWS

const ROWS = 8u * LANE_ROWS;
const TOKENS = 32u;
const LANES = 64u;
// A lane's sums: rows wRow + 8 r of W, rows xRow + 8 j of x.
const LANE_TOKENS = 4u;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include <weights>

// (ROWS, 8) and (TOKENS, 8) vec4s of the same 32 elements of k. The exclusive or spreads one column of eight neighbouring rows over all
// banks: vec4 i of row r lies at 8 r + (i ^ r) % 8 of W's tile, and at 8 r + (i ^ (r % 4)) % 8 of x's.
var<workgroup> wTile: array<vec4<f32>, ROWS * 8u>;
var<workgroup> xTile: array<vec4<f32>, TOKENS * 8u>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  prepareWeights(lane, LANES);
  let firstRow = (group.z * groups.x + group.x) * ROWS;
  let entry = entries[group.y];
  let count = min(entry.z, TOKENS);
  if (count == 0u) {
    return;
  }
  let wRow = lane % 8u;
  let xRow = lane / 8u;

  // Lane l < ROWS fetches row l of W; rows beyond the end repeat the last one and are not stored.
  let wAt = (entry.x >> 2u) + min(firstRow + lane % ROWS, params.nOut - 1u) * params.rowVec4s;
  // Every lane fetches vec4 lane % 8 of the rows lane / 8 + 8 n of x; rows beyond the end repeat the last one.
  let xColumn = lane % 8u;
  var xAt: array<u32, 4>;
  for (var n = 0u; n < 4u; n++) {
    let source = rows[entry.y + min(lane / 8u + 8u * n, count - 1u)].x;
    xAt[n] = (source * params.xStride + params.xOffset) >> 2u;
  }

  // sums[j * LANE_ROWS + r]
  var sums: array<f32, LANE_ROWS * LANE_TOKENS>;
  let units = rowUnits(params.nIn);
  var nextUnit = loadUnit(wAt, params.nIn, 0u);
  var nextX: array<vec4<f32>, 4>;
  for (var n = 0u; n < 4u; n++) {
    nextX[n] = x[xAt[n] + chunkColumn(0u, 0u, xColumn)];
  }
  for (var u = 0u; u < units; u++) {
    let following = min(u + 1u, units - 1u);
    let unit = nextUnit;
    for (var c = 0u; c < CHUNKS; c++) {
      if (lane < ROWS) {
        let w = chunkWeights(unit, c);
        for (var i = 0u; i < 8u; i++) {
          wTile[lane % ROWS * 8u + (i ^ lane) % 8u] = w[i];
        }
      }
      for (var n = 0u; n < 4u; n++) {
        xTile[(lane / 8u + 8u * n) * 8u + (xColumn ^ (lane / 8u % 4u)) % 8u] = nextX[n];
      }
      let last = c + 1u == CHUNKS;
      if (last) {
        nextUnit = loadUnit(wAt, params.nIn, following);
      }
      let column = chunkColumn(select(u, following, last), (c + 1u) % CHUNKS, xColumn);
      for (var n = 0u; n < 4u; n++) {
        nextX[n] = x[xAt[n] + column];
      }
      workgroupBarrier();
      if (count > 16u) {
        for (var i = 0u; i < 8u; i++) {
          var w = array<vec4<f32>, LANE_ROWS>();
          for (var r = 0u; r < LANE_ROWS; r++) {
            w[r] = wTile[(wRow + 8u * r) * 8u + (i ^ wRow) % 8u];
          }
          for (var j = 0u; j < LANE_TOKENS; j++) {
            let v = xTile[(xRow + 8u * j) * 8u + (i ^ (xRow % 4u)) % 8u];
            for (var r = 0u; r < LANE_ROWS; r++) {
              let at = j * LANE_ROWS + r;
              sums[at] = fma(w[r].w, v.w, fma(w[r].z, v.z, fma(w[r].y, v.y, fma(w[r].x, v.x, sums[at]))));
            }
          }
        }
      } else {
        for (var i = 0u; i < 8u; i++) {
          var w = array<vec4<f32>, LANE_ROWS>();
          for (var r = 0u; r < LANE_ROWS; r++) {
            w[r] = wTile[(wRow + 8u * r) * 8u + (i ^ wRow) % 8u];
          }
          for (var j = 0u; j < LANE_TOKENS / 2u; j++) {
            let v = xTile[(xRow + 8u * j) * 8u + (i ^ (xRow % 4u)) % 8u];
            for (var r = 0u; r < LANE_ROWS; r++) {
              let at = j * LANE_ROWS + r;
              sums[at] = fma(w[r].w, v.w, fma(w[r].z, v.z, fma(w[r].y, v.y, fma(w[r].x, v.x, sums[at]))));
            }
          }
        }
      }
      workgroupBarrier();
    }
  }
  for (var j = 0u; j < LANE_TOKENS; j++) {
    let t = xRow + 8u * j;
    if (t < count) {
      let at = rows[entry.y + t].y * params.yStride + params.yOffset;
      for (var r = 0u; r < LANE_ROWS; r++) {
        let o = firstRow + wRow + 8u * r;
        if (o < params.nOut) {
          y[at + o] = sums[j * LANE_ROWS + r];
        }
      }
    }
  }
}

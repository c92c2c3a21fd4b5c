#include <laneGroupSum>
// y = W x for the rows of a work list (lib/matmul_params.wgsl): few rows of x, as in decoding.
// W (nOut, nIn) in the layout of <weights>; x f32, every row on 16 bytes; nIn a multiple of 32; y f32.
// A lane group of LANES lanes takes ROWS rows of W: lane m walks the units m, m + LANES, ... of each, so that neighbouring lanes load
// neighbouring bytes, and x is loaded once for all the rows. Then <laneGroupSum> adds the lanes up. f32 sums in a fixed order.
// Workgroups: x and z over rows of W (128 / LANES * ROWS each), y over entries.
#include "lib/matmul_params.wgsl"
// Most rows of x that one entry of the work list brings.
#const TOKENS
// Rows of W that a lane group computes together: x is loaded once for all of them.
#const ROWS

// 4, 8, 16 or 32.
override LANES = 32u;
const SUMS = ROWS * TOKENS;

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include <weights>

// Where a workgroup is: its first row of W and its entry.
struct Place {
  firstRow: u32,
  entry: vec4<u32>,
}

// Sum i of a lane group: row i / TOKENS of its rows, row i % TOKENS of the entry.
fn storeSum(place: Place, laneGroup: u32, i: u32, sum: f32) {
  let o = place.firstRow + laneGroup * ROWS + i / TOKENS;
  let t = i % TOKENS;
  if (o < params.nOut && t < place.entry.z) {
    y[rows[place.entry.y + t].y * params.yStride + params.yOffset + o] = sum;
  }
}

// The elements of the row of x at vec4 `at` that a chunk of W meets.
fn loadX(at: u32, unit: u32, chunk: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    x[at + chunkColumn(unit, chunk, 0u)], x[at + chunkColumn(unit, chunk, 1u)],
    x[at + chunkColumn(unit, chunk, 2u)], x[at + chunkColumn(unit, chunk, 3u)],
    x[at + chunkColumn(unit, chunk, 4u)], x[at + chunkColumn(unit, chunk, 5u)],
    x[at + chunkColumn(unit, chunk, 6u)], x[at + chunkColumn(unit, chunk, 7u)],
  );
}

fn dot32(a: array<vec4<f32>, 8>, b: array<vec4<f32>, 8>) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
    + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  prepareWeights(lane, 128u);
  let laneGroup = lane / LANES;
  let member = lane % LANES;
  let place = Place((group.z * groups.x + group.x) * (128u / LANES) * ROWS, entries[group.y]);
  let count = min(place.entry.z, TOKENS);
  if (count == 0u) {
    return;
  }

  // Rows and tokens beyond the end repeat the last one and are not stored.
  var wAt: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    let o = min(place.firstRow + laneGroup * ROWS + r, params.nOut - 1u);
    wAt[r] = (place.entry.x >> 2u) + o * params.rowVec4s;
  }
  var xAt: array<u32, TOKENS>;
  for (var t = 0u; t < TOKENS; t++) {
    let xRow = rows[place.entry.y + min(t, count - 1u)].x;
    xAt[t] = (xRow * params.xStride + params.xOffset) >> 2u;
  }

  var sums: array<f32, SUMS>;
  let units = rowUnits(params.nIn);
  for (var u = member; u < units; u += LANES) {
    var loaded = array<Unit, ROWS>();
    for (var r = 0u; r < ROWS; r++) {
      loaded[r] = loadUnit(wAt[r], params.nIn, u);
    }
    for (var c = 0u; c < CHUNKS; c++) {
      if (TOKENS == 1u) {
        let v = loadX(xAt[0], u, c);
        for (var r = 0u; r < ROWS; r++) {
          sums[r] += dot32(chunkWeights(loaded[r], c), v);
        }
      } else {
        var w = array<array<vec4<f32>, 8>, ROWS>();
        for (var r = 0u; r < ROWS; r++) {
          w[r] = chunkWeights(loaded[r], c);
        }
        for (var t = 0u; t < TOKENS; t++) {
          if (t < count) {
            let v = loadX(xAt[t], u, c);
            for (var r = 0u; r < ROWS; r++) {
              sums[r * TOKENS + t] += dot32(w[r], v);
            }
          }
        }
      }
    }
  }
  storeLaneGroupSums(place, laneGroup, member, sums);
}

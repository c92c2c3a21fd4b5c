// y[t][h] = sum over keys <= firstPosition + t of p[t][h][key] * values[key][h / headsPerKv], p the softmax of the scores
// (q[t][h] * scale) . keys[key][h / headsPerKv]: what attn_scores, softmax and attn_values compute, with no score stored.
// q, y (rows, nHead, HEAD); keys, values (at least nKeys, nHeadKv, HEAD), HEAD channels = 32 * HEAD_CHUNKS.
// One workgroup of 64 lanes for 32 rows of one head. It walks along the keys three times, 64 at a time, and computes the scores anew each
// time: for the largest score, for the sum of exponentials, and for the weighted sum of values. So every operation is that of the three
// stages, in their order: scores one fused multiplication and addition a channel; 64 partial sums, of keys equal modulo 64, joined in order;
// p = e / sum; values one fused multiplication and addition a key, in order of the keys. The bits are theirs, and so are their error bounds.
// A lane has the scores of 8 keys and 4 rows, then the sums of 4 rows and 4 * HEAD_CHUNKS channels. f32.
// Hidden keys and their values are never used, so that what lies there cannot spoil a sum. A score that is NaN or +Infinity makes all of
// its row NaN, as in softmax.
// Workgroups: x over 32 rows each, from firstBlock on, the last ones (with the most keys) first; y over heads.
// Channels of a head, by 32.
#const HEAD_CHUNKS

#include "lib/non_finite.wgsl"

struct Params {
  rows: u32,
  nHead: u32,
  headsPerKv: u32,
  nKeys: u32,
  firstPosition: u32,
  firstBlock: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

const ROWS = 32u;
const KEYS = 64u;
const LANES = 64u;
const LANE_ROWS = 4u;
const LANE_KEYS = 8u;
const HEAD_VEC4S = 8u * HEAD_CHUNKS;
const LOWEST: f32 = -3.4028234e38;

// (KEYS, 8) and (ROWS, 8) vec4s of the same 32 channels, swizzled as in linear_tile.wgsl. The second also holds p of half a tile of keys and the
// rows' partial results.
var<workgroup> keyTile: array<vec4<f32>, KEYS * 8u>;
var<workgroup> rowTile: array<vec4<f32>, ROWS * 8u>;

alias Scores = array<f32, LANE_KEYS * LANE_ROWS>;

// Where a workgroup and a lane are.
struct Place {
  lane: u32,
  // The lane's keys keyLane + 8 i of a tile and rows rowLane + 8 j.
  keyLane: u32,
  rowLane: u32,
  // vec4s: of the first row's head in q and y, from row to row, of the head in the first key, from key to key.
  rowsAt: u32,
  rowStep: u32,
  keysAt: u32,
  keyStep: u32,
  // Rows of this workgroup; the last ones may be fewer than 32.
  rows: u32,
}

// The lane's scores of the tile that begins at `firstKey`.
fn tileScores(place: Place, firstKey: u32) -> Scores {
  var scores: Scores;
  let keyAt = place.keysAt + min(firstKey + place.lane, params.nKeys - 1u) * place.keyStep;
  for (var c = 0u; c < HEAD_CHUNKS; c++) {
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
      keyTile[place.lane % KEYS * 8u + (i ^ place.lane) % 8u] = keys[keyAt + 8u * c + i];
    }
    for (var n = 0u; n < 4u; n++) {
      let row = place.lane / 8u % 8u + 8u * n;
      let at = place.rowsAt + min(row, place.rows - 1u) * place.rowStep + 8u * c + place.lane % 8u;
      rowTile[row * 8u + (place.lane ^ (row % 4u)) % 8u] = q[at] * params.scale;
    }
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
      var k = array<vec4<f32>, LANE_KEYS>();
      for (var r = 0u; r < LANE_KEYS; r++) {
        k[r] = keyTile[(place.keyLane % 8u + 8u * r) * 8u + (i ^ place.keyLane) % 8u];
      }
      for (var j = 0u; j < LANE_ROWS; j++) {
        let v = rowTile[(place.rowLane % 8u + 8u * j) * 8u + (i ^ (place.rowLane % 4u)) % 8u];
        for (var r = 0u; r < LANE_KEYS; r++) {
          let at = j * LANE_KEYS + r;
          scores[at] = fma(v.w, k[r].w, fma(v.z, k[r].z, fma(v.y, k[r].y, fma(v.x, k[r].x, scores[at]))));
        }
      }
    }
  }
  return scores;
}

// Where vec4 i of 32 results of a row lies in rowTile.
fn resultAt(row: u32, i: u32) -> u32 {
  return row % ROWS * 8u + (i ^ (row % 4u)) % 8u;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let firstRow = (params.firstBlock + groups.x - 1u - group.x) * ROWS;
  let rows = min(ROWS, params.rows - firstRow);
  let head = group.y;
  let nHeadKv = params.nHead / params.headsPerKv;
  let place = Place(
    lane,
    lane % 8u,
    lane / 8u % 8u,
    (firstRow * params.nHead + head) * HEAD_VEC4S,
    params.nHead * HEAD_VEC4S,
    head / params.headsPerKv * HEAD_VEC4S,
    nHeadKv * HEAD_VEC4S,
    rows,
  );
  // Keys that the last row sees, and those that each of the lane's rows sees.
  let end = min(params.nKeys, params.firstPosition + firstRow + rows);
  var seen: array<u32, LANE_ROWS>;
  for (var j = 0u; j < LANE_ROWS; j++) {
    seen[j] = min(params.nKeys, params.firstPosition + firstRow + place.rowLane + 8u * j + 1u);
  }

  // The largest score of each row.
  var highest = array<f32, LANE_ROWS>(LOWEST, LOWEST, LOWEST, LOWEST);
  var spoilt = vec4(false);
  for (var first = 0u; first < end; first += KEYS) {
    let scores = tileScores(place, first);
    for (var j = 0u; j < LANE_ROWS; j++) {
      for (var r = 0u; r < LANE_KEYS; r++) {
        if (first + place.keyLane + 8u * r < seen[j]) {
          highest[j] = max(highest[j], scores[j * LANE_KEYS + r]);
          spoilt[j] = spoilt[j] || spoils(scores[j * LANE_KEYS + r]);
        }
      }
    }
  }
  workgroupBarrier();
  for (var j = 0u; j < LANE_ROWS; j++) {
    rowTile[resultAt(place.rowLane + 8u * j, place.keyLane)] = vec4(highest[j], select(0.0, 1.0, spoilt[j]), 0.0, 0.0);
  }
  workgroupBarrier();
  for (var j = 0u; j < LANE_ROWS; j++) {
    for (var l = 0u; l < 8u; l++) {
      let found = rowTile[resultAt(place.rowLane + 8u * j, l)];
      highest[j] = max(highest[j], found.x);
      spoilt[j] = spoilt[j] || found.y != 0.0;
    }
  }

  // The sum of exponentials: a partial sum for each key modulo 64.
  var sums: Scores;
  for (var first = 0u; first < end; first += KEYS) {
    let scores = tileScores(place, first);
    for (var j = 0u; j < LANE_ROWS; j++) {
      for (var r = 0u; r < LANE_KEYS; r++) {
        if (first + place.keyLane + 8u * r < seen[j]) {
          sums[j * LANE_KEYS + r] += exp(scores[j * LANE_KEYS + r] - highest[j]);
        }
      }
    }
  }
  var totals: array<f32, LANE_ROWS>;
  for (var half = 0u; half < 2u; half++) {
    workgroupBarrier();
    for (var j = 0u; j < LANE_ROWS; j++) {
      for (var r = 0u; r < 4u; r++) {
        let key = place.keyLane + 8u * r;
        rowTile[resultAt(place.rowLane + 8u * j, key / 4u)][key % 4u] = sums[j * LANE_KEYS + 4u * half + r];
      }
    }
    workgroupBarrier();
    for (var j = 0u; j < LANE_ROWS; j++) {
      for (var i = 0u; i < 8u; i++) {
        let four = rowTile[resultAt(place.rowLane + 8u * j, i)];
        totals[j] = totals[j] + four.x;
        totals[j] = totals[j] + four.y;
        totals[j] = totals[j] + four.z;
        totals[j] = totals[j] + four.w;
      }
    }
  }

  // The weighted sum of values: channels 4 * (keyLane + 8 c) .. + 3 of the lane's rows.
  var outputs: array<vec4<f32>, LANE_ROWS * HEAD_CHUNKS>;
  for (var first = 0u; first < end; first += KEYS) {
    let scores = tileScores(place, first);
    for (var half = 0u; half < 2u; half++) {
      let begin = first + 32u * half;
      workgroupBarrier();
      for (var j = 0u; j < LANE_ROWS; j++) {
        for (var r = 0u; r < 4u; r++) {
          let key = place.keyLane + 8u * r;
          let e = exp(scores[j * LANE_KEYS + 4u * half + r] - highest[j]);
          rowTile[resultAt(place.rowLane + 8u * j, key / 4u)][key % 4u] = e / totals[j];
        }
      }
      workgroupBarrier();
      // Keys that every row sees need no questions, which would cost a third of the time.
      let whole = begin + 32u <= params.firstPosition + firstRow + 1u;
      for (var i = 0u; i < 8u; i++) {
        var p = array<vec4<f32>, LANE_ROWS>();
        for (var j = 0u; j < LANE_ROWS; j++) {
          p[j] = rowTile[resultAt(place.rowLane + 8u * j, i)];
        }
        if (whole) {
          for (var k = 0u; k < 4u; k++) {
            let at = place.keysAt + (begin + 4u * i + k) * place.keyStep + place.keyLane;
            for (var c = 0u; c < HEAD_CHUNKS; c++) {
              let value = values[at + 8u * c];
              for (var j = 0u; j < LANE_ROWS; j++) {
                outputs[j * HEAD_CHUNKS + c] = fma(vec4(p[j][k]), value, outputs[j * HEAD_CHUNKS + c]);
              }
            }
          }
        } else {
          for (var k = 0u; k < 4u; k++) {
            let key = begin + 4u * i + k;
            let at = place.keysAt + min(key, params.nKeys - 1u) * place.keyStep + place.keyLane;
            for (var j = 0u; j < LANE_ROWS; j++) {
              if (key < seen[j]) {
                for (var c = 0u; c < HEAD_CHUNKS; c++) {
                  outputs[j * HEAD_CHUNKS + c] = fma(vec4(p[j][k]), values[at + 8u * c], outputs[j * HEAD_CHUNKS + c]);
                }
              }
            }
          }
        }
      }
    }
  }
  for (var j = 0u; j < LANE_ROWS; j++) {
    let row = place.rowLane + 8u * j;
    if (row < place.rows) {
      for (var c = 0u; c < HEAD_CHUNKS; c++) {
        let sums = outputs[j * HEAD_CHUNKS + c];
        let to = place.rowsAt + row * place.rowStep + place.keyLane + 8u * c;
        y[to] = bitcast<vec4<f32>>(select(bitcast<vec4<u32>>(sums), vec4(0x7fc00000u), spoilt[j]));
      }
    }
  }
}

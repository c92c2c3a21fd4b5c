// What the kernels of one token's attention have in common. q and k are normed head by head and rotated, k and v are kept, and a
// head attends to the keys of its split:
//   q' = rope(rmsnorm(q) * gainQ), k' = rope(rmsnorm(k) * gainK), s_j = q' . k_j * scale, p = sum_j exp(s_j - m) v_j
// NORMS 0: q and k are rotated as they are; gainQ and gainK are not read.
// qkv (qDim + 2 kvDim); keys, values (positions, nHeadKv, headDim), of which the kernel writes row `position`; step: position, splits,
// keys a split (a multiple of 64), 0, then (cos, sin) of headDim / 2 angles. f32.
// Grid: x key-value heads times pieces of HEADS of their heads, y splits.
// isWhole: y (nHead, headDim), folded, is p / sum of exponentials. Else it holds (splits, nHead, headDim) of p, then (splits, nHead) pairs
// (m, sum of exponentials), which attention_join.wgsl joins.
// Own key and value come from qkv: no workgroup needs what another writes here. Keys are taken some at a time, with a running maximum
// (Dao et al., FlashAttention, 2022). A score that is NaN or +Infinity makes all of its head NaN, m too, as in shaders/ops/softmax.wgsl.
override HEAD_DIM = 128u;
// Heads of one key-value head that share a key once it is read. At most 8.
override HEADS = 1u;
override NORMS = 1u;
// 0: channels i and i + HEAD_DIM / 2 rotate together (NEOX). 1: channels 2 i and 2 i + 1 (NORM).
override NEIGHBOURS = 0u;

// Below every score; its differences stay finite.
const LOWEST: f32 = -1e30;

struct Params {
  nHead: u32,
  nHeadKv: u32,
  eps: f32,
  scale: f32,
  isWhole: u32,
  captureQNorm: u32,
  captureKNorm: u32,
  captureQRope: u32,
  captureKRope: u32,
  captureScores: u32,
  captureSoftmax: u32,
  captureAttention: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> step: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> gainQ: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gainK: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> captures: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

#include "fusions/lib/captures.wgsl"
#include "fusions/lib/places.wgsl"
#include "lib/non_finite.wgsl"

// Columns of four channels of a head.
override COLUMNS = HEAD_DIM / 4u;

// What a workgroup computes.
struct Work {
  firstHead: u32,
  // The last piece may have fewer than HEADS heads; the others are computed and left.
  heads: u32,
  // Which piece of the heads of its key-value head, and which split of the keys.
  piece: u32,
  split: u32,
  splits: u32,
  position: u32,
  firstKey: u32,
  // Behind the split's last key, the own one counted.
  end: u32,
  // In columns of qkv: key and value of this token.
  rawK: u32,
  rawV: u32,
}

// In columns: where this head begins in a row of keys and values, and from row to row. The last row that is read, none that a workgroup writes.
var<private> kvFirst: u32;
var<private> kvStep: u32;
var<private> lastRow: u32;
// Heads of the workgroup that have a score from which no probability follows: a bit each.
var<workgroup> spoilt: atomic<u32>;

fn workOf(group: vec3<u32>) -> Work {
  let perKv = params.nHead / params.nHeadKv;
  let pieces = (perKv + HEADS - 1u) / HEADS;
  let kvHead = group.x / pieces;
  let piece = group.x % pieces;
  let position = step[0].x;
  let firstKey = group.y * step[0].z;
  let rawK = (params.nHead + kvHead) * COLUMNS;
  // Not what the private variables hold, which need not be the same for all lanes: barriers depend on it.
  let rowColumns = params.nHeadKv * COLUMNS;
  kvStep = rowColumns;
  kvFirst = kvHead * COLUMNS;
  lastRow = max(min(position, firstKey + step[0].z), 1u) - 1u;
  return Work(
    kvHead * perKv + piece * HEADS,
    min(HEADS, perKv - piece * HEADS),
    piece,
    group.y,
    step[0].y,
    position,
    firstKey,
    min(position + 1u, firstKey + step[0].z),
    rawK,
    rawK + rowColumns,
  );
}

fn rowAt(key: u32) -> u32 {
  return min(key, lastRow) * kvStep + kvFirst;
}

// A column of the values of keys a, a + stride, a + 2 stride, a + 3 stride, and of the same of key b.
fn valueRows(a: u32, b: u32, stride: u32, c: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    values[rowAt(a) + c], values[rowAt(a + stride) + c], values[rowAt(a + 2u * stride) + c], values[rowAt(a + 3u * stride) + c],
    values[rowAt(b) + c], values[rowAt(b + stride) + c], values[rowAt(b + 2u * stride) + c], values[rowAt(b + 3u * stride) + c],
  );
}

// Columns c and c + COLUMNS / 2 of a head.
struct Pair {
  low: vec4<f32>,
  high: vec4<f32>,
}

// Columns of a head of qkv times its norm's scale and gain. c < COLUMNS / 2.
fn normedPair(raw: u32, c: u32, scale: f32, isK: bool) -> Pair {
  let d = c + COLUMNS / 2u;
  if (NORMS == 0u) {
    return Pair(qkv[raw + c], qkv[raw + d]);
  }
  return Pair(qkv[raw + c] * scale * select(gainQ[c], gainK[c], isK), qkv[raw + d] * scale * select(gainQ[d], gainK[d], isK));
}

// Two pairs of neighbours of column c.
fn turnedNeighbours(x: vec4<f32>, c: u32) -> vec4<f32> {
  let angles = bitcast<vec4<f32>>(step[1u + c]);
  let cosines = angles.xxzz;
  let sines = angles.yyww;
  return x * cosines + vec4(-x.y, x.x, -x.w, x.z) * sines;
}

fn rotated(normed: Pair, c: u32) -> Pair {
  if (NEIGHBOURS == 1u) {
    return Pair(turnedNeighbours(normed.low, c), turnedNeighbours(normed.high, c + COLUMNS / 2u));
  }
  let one = step[1u + 2u * c];
  let two = step[2u + 2u * c];
  let cosines = bitcast<vec4<f32>>(vec4(one.x, one.z, two.x, two.z));
  let sines = bitcast<vec4<f32>>(vec4(one.y, one.w, two.y, two.w));
  return Pair(normed.low * cosines - normed.high * sines, normed.high * cosines + normed.low * sines);
}

fn captureColumn(place: u32, column: u32, v: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    capture(place, 4u * column + i, v[i]);
  }
}

// The score of key `key` for head h of the workgroup, captured and looked at.
fn takeScore(work: Work, h: u32, key: u32, score: f32) {
  if (spoils(score)) {
    atomicOr(&spoilt, 1u << h);
  }
  if (h < work.heads) {
    capture(params.captureScores, (work.firstHead + h) * (work.position + 1u) + key, score);
  }
}

fn isSpoilt(h: u32) -> bool {
  return ((atomicLoad(&spoilt) >> h) & 1u) != 0u;
}

// Column c of head h: the sum over values. `joined`: the largest score and the sum of exponentials.
fn writeColumn(work: Work, h: u32, c: u32, all: vec4<f32>, joined: vec2<f32>) {
  let column = (work.firstHead + h) * COLUMNS + c;
  let length = params.nHead * COLUMNS;
  if (params.isWhole == 0u) {
    for (var i = 0u; i < 4u; i++) {
      y[4u * (work.split * length + column) + i] = orNaN(all[i], isSpoilt(h));
    }
    return;
  }
  let to = 4u * folded(column, foldBlocks(4u * length));
  for (var i = 0u; i < 4u; i++) {
    let value = orNaN(all[i] / joined.y, isSpoilt(h));
    y[to + i] = value;
    capture(params.captureAttention, 4u * column + i, value);
  }
}

// The largest score and the sum of exponentials of a split of head h.
fn writePair(work: Work, h: u32, joined: vec2<f32>) {
  let to = work.splits * params.nHead * HEAD_DIM + 2u * (work.split * params.nHead + work.firstHead + h);
  y[to] = orNaN(joined.x, isSpoilt(h));
  y[to + 1u] = orNaN(joined.y, isSpoilt(h));
}

// Captures the softmax of head h, by all lanes. Behind a storageBarrier(): the scores are captured whenever the softmax is.
fn captureSoftmax(work: Work, h: u32, joined: vec2<f32>, lane: u32) {
  let at = (work.firstHead + h) * (work.position + 1u);
  for (var j = lane; j <= work.position; j += GROUP) {
    let value = exp(bitcast<f32>(captures[params.captureScores + at + j]) - joined.x) / joined.y;
    capture(params.captureSoftmax, at + j, orNaN(value, isSpoilt(h)));
  }
}

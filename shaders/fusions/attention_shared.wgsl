// attention.wgsl for the heads of a group together: each key and value is read once for up to HEADS heads of one key-value head.
//   q' = rope(rmsnorm(q) * gainQ), k' = rope(rmsnorm(k) * gainK), s_j = q' . k_j / sqrt(headDim), p = sum_j exp(s_j - m) v_j
// qkv (qDim + 2 kvDim); keys, values (positions, nHeadKv, headDim), of which this kernel writes row `position`; step: position, splits,
// keys a split (a multiple of TILE), 0, then (cos, sin) of headDim / 2 angles. headDim is a multiple of 8. f32.
// Grid: x key-value heads times pieces of HEADS of their heads, y splits. y holds (splits, nHead, headDim) of p, then (splits, nHead) pairs
// (m, sum of exponentials), which attention_join.wgsl joins. Own key and value come from qkv: no workgroup needs what another writes here.
// A tile of keys in three steps: lanes (key, part) make a part of the key's score with every head; lanes (head, four keys) the scores, the
// running maximum (Dao et al., FlashAttention, 2022) and the exponentials; lanes (slice of keys, four channels) the sums over values.
override HEAD_DIM = 128u;
// At most 8, and 1024 / HEAD_DIM.
override HEADS = 8u;

const GROUP: u32 = 256u;
const TILE: u32 = 64u;
// Lanes that share a key's scores.
const PARTS: u32 = 4u;
// Lanes that make a head's exponentials of a tile; also lanes of a head's norm.
const QUADS: u32 = TILE / 4u;
// Parts of scores lie apart so that lanes side by side meet different banks of memory.
const PART_STEP: u32 = 72u;
const HEAD_STEP: u32 = 280u;
// Below every score; its differences stay finite.
const LOWEST: f32 = -1e30;

struct Params {
  nHead: u32,
  nHeadKv: u32,
  eps: f32,
  scale: f32,
  tapQNorm: u32,
  tapKNorm: u32,
  tapQRope: u32,
  tapKRope: u32,
  tapScores: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> step: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> gainQ: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gainK: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> taps: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

#include "fusions/lib/taps.wgsl"

// Columns of four channels of a head, and as many as eight of every part take: those beyond the head are 0.
override COLUMNS = HEAD_DIM / 4u;
override PADDED = (COLUMNS + 31u) / 32u * 32u;
// Slices of a tile's keys, of QUADS.
override SLICES = GROUP / COLUMNS;

// The turned q of every head, then the turned k: (HEADS + 1, PADDED).
var<workgroup> turned: array<vec4<f32>, (HEADS + 1u) * PADDED>;
// Sums of squares; then parts of scores (head, part, key); then two heads' slices of the output, (4, 2, GROUP).
var<workgroup> some: array<f32, 8u * HEAD_STEP>;
// The largest score of each lane; at the end its sum of exponentials. (head, QUADS)
var<workgroup> tops: array<f32, HEADS * QUADS>;
// Exponentials of keys i, i + QUADS, i + 2 QUADS and i + 3 QUADS of the tile. (head, QUADS)
var<workgroup> weights: array<vec4<f32>, HEADS * QUADS>;
// By how much the earlier sums of a head shrink.
var<workgroup> shrinks: array<f32, 8>;

// Where a layer's keys and values of this head begin, and the row that other workgroups do not write: the last but own.
var<private> kvFirst: u32;
var<private> kvStep: u32;
var<private> lastRow: u32;
var<private> position: u32;

// Loops over the 8 of an array have constant ends, so that compilers for hardware unroll them and keep the array in registers.

// Eight columns of a key, every PARTS-th from `c` on; beyond the head they repeat the last one. The own key is not among the kept ones yet.
fn keyColumns(key: u32, c: u32) -> array<vec4<f32>, 8> {
  let at = min(key, lastRow) * kvStep + kvFirst;
  var k: array<vec4<f32>, 8>;
  for (var i = 0u; i < 8u; i++) {
    k[i] = keys[at + min(c + i * PARTS, COLUMNS - 1u)];
  }
  return k;
}

// One column of the values of keys a, a + QUADS, a + 2 QUADS, a + 3 QUADS, and of the same of key b.
fn valueRows(a: u32, b: u32, column: u32) -> array<vec4<f32>, 8> {
  var v: array<vec4<f32>, 8>;
  for (var i = 0u; i < 8u; i++) {
    v[i] = values[kvFirst + column + min(rowOf(a, b, i), lastRow) * kvStep];
  }
  return v;
}

fn rowOf(a: u32, b: u32, i: u32) -> u32 {
  return select(a + i * QUADS, b + (i - 4u) * QUADS, i >= 4u);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let perKv = params.nHead / params.nHeadKv;
  let pieces = (perKv + HEADS - 1u) / HEADS;
  let kvHead = group.x / pieces;
  let piece = group.x % pieces;
  let firstHead = kvHead * perKv + piece * HEADS;
  // The last piece may have fewer heads; the others are computed and left.
  let heads = min(HEADS, perKv - piece * HEADS);
  // Known to be the same for all lanes, which a private variable is not.
  let own = step[0].x;
  position = own;
  let splits = step[0].y;
  let perSplit = step[0].z;
  let rawK = (params.nHead + kvHead) * COLUMNS;
  let rawV = rawK + params.nHeadKv * COLUMNS;
  // The first split of the first of its heads keeps the key and value.
  let keeps = piece == 0u && group.y == 0u;

  let key = lane / PARTS;
  let part = lane % PARTS;
  let slice = lane / COLUMNS;
  let column = lane % COLUMNS;
  let head = lane / QUADS;
  let quad = lane % QUADS;
  kvStep = params.nHeadKv * COLUMNS;
  kvFirst = kvHead * COLUMNS;
  lastRow = max(position, 1u) - 1u;
  let firstKey = group.y * perSplit;
  let end = min(own + 1u, firstKey + perSplit);
  // The first keys are under way while q and k are made.
  var k8 = keyColumns(firstKey + key, part);

  // Norms: QUADS lanes a head of q, and for k.
  let isK = head >= HEADS;
  let raw = select((firstHead + min(head, heads - 1u)) * COLUMNS, rawK, isK);
  var square = 0.0;
  for (var c = quad; c < COLUMNS; c += QUADS) {
    square += dot(qkv[raw + c], qkv[raw + c]);
  }
  some[lane] = square;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < QUADS; i++) {
    total += some[head * QUADS + i];
  }
  let normScale = inverseSqrt(total / f32(HEAD_DIM) + params.eps);

  // NEOX: channels i and i + HEAD_DIM / 2 turn together.
  let half = COLUMNS / 2u;
  if (head <= HEADS) {
    for (var c = quad; c < half; c += QUADS) {
      let one = step[1u + 2u * c];
      let two = step[2u + 2u * c];
      let cosines = bitcast<vec4<f32>>(vec4(one.x, one.z, two.x, two.z));
      let sines = bitcast<vec4<f32>>(vec4(one.y, one.w, two.y, two.w));
      let low = qkv[raw + c] * normScale * select(gainQ[c], gainK[c], isK);
      let high = qkv[raw + c + half] * normScale * select(gainQ[c + half], gainK[c + half], isK);
      let turnedLow = low * cosines - high * sines;
      let turnedHigh = high * cosines + low * sines;
      turned[head * PADDED + c] = turnedLow;
      turned[head * PADDED + c + half] = turnedHigh;
      if (group.y == 0u && select(head < heads, piece == 0u, isK)) {
        let to = 4u * (select((firstHead + head) * COLUMNS, kvHead * COLUMNS, isK) + c);
        let norm = select(params.tapQNorm, params.tapKNorm, isK);
        let rope = select(params.tapQRope, params.tapKRope, isK);
        for (var i = 0u; i < 4u; i++) {
          tap(norm, to + i, low[i]);
          tap(norm, to + 4u * half + i, high[i]);
          tap(rope, to + i, turnedLow[i]);
          tap(rope, to + 4u * half + i, turnedHigh[i]);
        }
      }
    }
  }
  if (PADDED > COLUMNS) {
    for (var i = lane; i < (HEADS + 1u) * PADDED; i += GROUP) {
      if (i % PADDED >= COLUMNS) {
        turned[i] = vec4(0.0);
      }
    }
  }
  workgroupBarrier();
  if (keeps && lane < COLUMNS) {
    let row = position * kvStep + kvFirst;
    keys[row + lane] = turned[HEADS * PADDED + lane];
    values[row + lane] = qkv[rawV + lane];
  }

  let newest = qkv[rawV + column];
  var top = LOWEST;
  var sum = 0.0;
  var outs = array<vec4<f32>, 8>();
  for (var first = firstKey; first < end; first += TILE) {
    let i = min(slice, QUADS - 1u);
    let j = min(slice + SLICES, QUADS - 1u);
    var v8 = valueRows(first + i, first + j, column);

    for (var c = part; c < COLUMNS; c += 8u * PARTS) {
      // Heads of more than 128 channels.
      if (HEAD_DIM > 128u && c > part) {
        k8 = keyColumns(first + key, c);
      }
      if (first + key == position) {
        for (var n = 0u; n < 8u; n++) {
          k8[n] = turned[HEADS * PADDED + c + n * PARTS];
        }
      }
      for (var h = 0u; h < HEADS; h++) {
        let to = h * HEAD_STEP + part * PART_STEP + key;
        var dots = 0.0;
        for (var n = 0u; n < 8u; n++) {
          dots += dot(turned[h * PADDED + c + n * PARTS], k8[n]);
        }
        some[to] = select(some[to] + dots, dots, c == part);
      }
    }
    if (first + TILE < end) {
      k8 = keyColumns(first + TILE + key, part);
    }
    workgroupBarrier();

    var scores = vec4(LOWEST);
    let inTile = vec4(quad) + vec4(0u, QUADS, 2u * QUADS, 3u * QUADS);
    let isThere = vec4(first) + inTile < vec4(end);
    if (lane < HEADS * QUADS) {
      for (var b = 0u; b < 4u; b++) {
        let at = head * HEAD_STEP + inTile[b];
        if (isThere[b]) {
          let score = params.scale * ((some[at] + some[at + PART_STEP]) + (some[at + 2u * PART_STEP] + some[at + 3u * PART_STEP]));
          scores[b] = score;
          if (head < heads) {
            tap(params.tapScores, (firstHead + head) * (position + 1u) + first + inTile[b], score);
          }
        }
      }
      tops[lane] = max(max(scores.x, scores.y), max(scores.z, scores.w));
    }
    workgroupBarrier();
    if (lane < HEADS * QUADS) {
      var highest = top;
      for (var b = 0u; b < QUADS; b++) {
        highest = max(highest, tops[head * QUADS + b]);
      }
      let shrink = exp(top - highest);
      top = highest;
      let e = select(vec4(0.0), exp(scores - highest), isThere);
      weights[lane] = e;
      sum = sum * shrink + ((e.x + e.y) + (e.z + e.w));
      if (quad == 0u) {
        shrinks[head] = shrink;
      }
    }
    workgroupBarrier();

    if (slice < SLICES) {
      for (var h = 0u; h < HEADS; h++) {
        outs[h] *= shrinks[h];
      }
      for (var a = slice; a < QUADS; a += 2u * SLICES) {
        let b = min(a + SLICES, QUADS - 1u);
        if (HEAD_DIM > 128u && a > slice) {
          v8 = valueRows(first + a, first + b, column);
        }
        if (first + TILE > position) {
          // The own value in its place, and in those of keys that are not there: their weight is 0, but what lies there may be NaN.
          for (var n = 0u; n < 8u; n++) {
            v8[n] = select(v8[n], newest, first + rowOf(a, b, n) >= position);
          }
        }
        for (var h = 0u; h < HEADS; h++) {
          let one = weights[h * QUADS + a];
          let two = select(vec4(0.0), weights[h * QUADS + b], a + SLICES < QUADS);
          outs[h] += one.x * v8[0] + one.y * v8[1] + one.z * v8[2] + one.w * v8[3]
            + two.x * v8[4] + two.y * v8[5] + two.z * v8[6] + two.w * v8[7];
        }
      }
    }
  }

  // Slices and lanes are added in order.
  if (lane < HEADS * QUADS) {
    tops[lane] = sum;
  }
  let to = group.y * params.nHead + firstHead;
  for (var h = 0u; h < HEADS; h += 2u) {
    // Two heads at a time.
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      some[2u * i * GROUP + lane] = outs[h][i];
      some[(2u * i + 1u) * GROUP + lane] = outs[min(h + 1u, 7u)][i];
    }
    workgroupBarrier();
    let which = lane / COLUMNS;
    if (which < 2u && h + which < heads) {
      for (var i = 0u; i < 4u; i++) {
        var all = 0.0;
        for (var s = 0u; s < SLICES; s++) {
          all += some[(2u * i + which) * GROUP + s * COLUMNS + column];
        }
        y[(to + h + which) * HEAD_DIM + 4u * column + i] = all;
      }
    }
  }
  if (head < heads && quad == 0u) {
    let at = splits * params.nHead * HEAD_DIM + 2u * (to + head);
    var all = 0.0;
    for (var b = 0u; b < QUADS; b++) {
      all += tops[head * QUADS + b];
    }
    y[at] = top;
    y[at + 1u] = all;
  }
}

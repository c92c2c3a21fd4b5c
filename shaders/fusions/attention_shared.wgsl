// Attention of one token (fusions/lib/attention.wgsl) for the heads of a group together: each key and value is read once for up to HEADS heads
// of one key-value head, at most 1024 / HEAD_DIM. What it leaves is joined even where there is one split: isWhole is 0.
// headDim is a multiple of 8.
// A tile of keys in three steps: lanes (key, part) make a part of the key's score with every head; lanes (head, four keys) the scores, the
// running maximum and the exponentials; lanes (slice of keys, four channels) the sums over values.
#include "fusions/lib/attention.wgsl"
#include "fusions/lib/attention_tile.wgsl"

// Lanes that make a head's exponentials of a tile; also lanes of a head's norm.
const QUADS: u32 = TILE / 4u;
// Parts of scores lie apart so that lanes side by side meet different banks of memory.
const PART_STEP: u32 = 72u;
const HEAD_STEP: u32 = 280u;

// As many columns as eight of every part take: those beyond the head are 0.
override PADDED = (COLUMNS + 31u) / 32u * 32u;
// Slices of a tile's keys, of QUADS.
override SLICES = GROUP / COLUMNS;

// The rotated q of every head, then the rotated k: (HEADS + 1, PADDED).
var<workgroup> turned: array<vec4<f32>, (HEADS + 1u) * PADDED>;
// Sums of squares; then parts of scores (head, part, key); then two heads' slices of the output, (4, 2, GROUP).
var<workgroup> some: array<f32, 8u * HEAD_STEP>;
// The largest score of each lane; at the end its sum of exponentials. (head, QUADS)
var<workgroup> tops: array<f32, HEADS * QUADS>;
// Exponentials of keys i, i + QUADS, i + 2 QUADS and i + 3 QUADS of the tile. (head, QUADS)
var<workgroup> weights: array<vec4<f32>, HEADS * QUADS>;
// By how much the earlier sums of a head shrink.
var<workgroup> shrinks: array<f32, 8>;

// Loops over the 8 of an array have constant ends, so that compilers for hardware unroll them and keep the array in registers.

// The key of value i of those that valueRows(a, b, QUADS, ..) reads.
fn rowOf(a: u32, b: u32, i: u32) -> u32 {
  return select(a + i * QUADS, b + (i - 4u) * QUADS, i >= 4u);
}

// q of every head and k, normed and rotated. QUADS lanes a head of q, and for k.
fn turnHeads(work: Work, lane: u32) {
  let head = lane / QUADS;
  let quad = lane % QUADS;
  let isK = head >= HEADS;
  let raw = select((work.firstHead + min(head, work.heads - 1u)) * COLUMNS, work.rawK, isK);
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
  let scale = inverseSqrt(total / f32(HEAD_DIM) + params.eps);

  let half = COLUMNS / 2u;
  if (head <= HEADS) {
    for (var c = quad; c < half; c += QUADS) {
      let normed = normedPair(raw, c, scale, isK);
      let pair = rotated(normed, c);
      turned[head * PADDED + c] = pair.low;
      turned[head * PADDED + c + half] = pair.high;
      if (work.split == 0u && select(head < work.heads, work.piece == 0u, isK)) {
        let to = select((work.firstHead + head) * COLUMNS, kvFirst, isK) + c;
        let norm = select(params.captureQNorm, params.captureKNorm, isK);
        let rope = select(params.captureQRope, params.captureKRope, isK);
        captureColumn(norm, to, normed.low);
        captureColumn(norm, to + half, normed.high);
        captureColumn(rope, to, pair.low);
        captureColumn(rope, to + half, pair.high);
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
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let work = workOf(group);
  let position = work.position;

  let key = lane / PARTS;
  let part = lane % PARTS;
  let slice = lane / COLUMNS;
  let column = lane % COLUMNS;
  let head = lane / QUADS;
  let quad = lane % QUADS;
  // The first keys are under way while q and k are made.
  var k8 = keyColumns(work.firstKey + key, part);
  turnHeads(work, lane);
  workgroupBarrier();
  // The first split of the first of its heads keeps the key and value.
  if (work.piece == 0u && work.split == 0u && lane < COLUMNS) {
    let row = position * kvStep + kvFirst;
    keys[row + lane] = turned[HEADS * PADDED + lane];
    values[row + lane] = qkv[work.rawV + lane];
  }

  let newest = qkv[work.rawV + column];
  var top = LOWEST;
  var sum = 0.0;
  var outs = array<vec4<f32>, 8>();
  for (var first = work.firstKey; first < work.end; first += TILE) {
    let i = min(slice, QUADS - 1u);
    let j = min(slice + SLICES, QUADS - 1u);
    var v8 = valueRows(first + i, first + j, QUADS, column);

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
    if (first + TILE < work.end) {
      k8 = keyColumns(first + TILE + key, part);
    }
    workgroupBarrier();

    var scores = vec4(LOWEST);
    let inTile = vec4(quad) + vec4(0u, QUADS, 2u * QUADS, 3u * QUADS);
    let isThere = vec4(first) + inTile < vec4(work.end);
    if (lane < HEADS * QUADS) {
      for (var b = 0u; b < 4u; b++) {
        let at = head * HEAD_STEP + inTile[b];
        if (isThere[b]) {
          let score = params.scale * ((some[at] + some[at + PART_STEP]) + (some[at + 2u * PART_STEP] + some[at + 3u * PART_STEP]));
          scores[b] = score;
          takeScore(work, head, first + inTile[b], score);
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
          v8 = valueRows(first + a, first + b, QUADS, column);
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
  for (var h = 0u; h < HEADS; h += 2u) {
    // Two heads at a time.
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      some[2u * i * GROUP + lane] = outs[h][i];
      some[(2u * i + 1u) * GROUP + lane] = outs[min(h + 1u, 7u)][i];
    }
    workgroupBarrier();
    let which = lane / COLUMNS;
    if (which < 2u && h + which < work.heads) {
      var all = vec4(0.0);
      for (var i = 0u; i < 4u; i++) {
        for (var s = 0u; s < SLICES; s++) {
          all[i] += some[(2u * i + which) * GROUP + s * COLUMNS + column];
        }
      }
      writeColumn(work, h + which, column, all, vec2(0.0));
    }
  }
  if (head < work.heads && quad == 0u) {
    var all = 0.0;
    for (var b = 0u; b < QUADS; b++) {
      all += tops[head * QUADS + b];
    }
    writePair(work, head, vec2(top, all));
  }
}

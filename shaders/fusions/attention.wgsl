// Attention of one token (fusions/lib/attention.wgsl), each head on its own: HEADS is 1. A tile of keys in three steps: lanes (key, part) make
// a part of the key's score; lanes of four keys the scores and their maximum; lanes (slice of keys, four channels) the exponentials and the
// sums over values. headDim is a multiple of 4.
#include "fusions/lib/attention.wgsl"
#include "fusions/lib/attention_tile.wgsl"

// Raw q and k.
var<workgroup> raw: array<vec2<f32>, HEAD_DIM>;
// Rotated.
var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> k: array<f32, HEAD_DIM>;
var<workgroup> squares: array<vec2<f32>, GROUP>;
// Parts of scores; then sums of exponentials.
var<workgroup> scores: array<f32, TILE * PARTS>;
var<workgroup> tileScores: array<f32, TILE>;
var<workgroup> tileTops: array<f32, TILE / 4u>;
// Slices of the output.
var<workgroup> outputs: array<vec4<f32>, GROUP>;

// A column of q with the same of a key; nothing beyond the head.
fn columnDot(c: u32, cached: vec4<f32>, isOwn: bool) -> f32 {
  let at = min(c, COLUMNS - 1u);
  let product = dot(vec4(q[4u * at], q[4u * at + 1u], q[4u * at + 2u], q[4u * at + 3u]), select(cached, ownKey(at), isOwn));
  return select(0.0, product, c < COLUMNS);
}

fn columnsDot(c: u32, k8: array<vec4<f32>, 8>, isOwn: bool) -> f32 {
  return columnDot(c, k8[0], isOwn) + columnDot(c + PARTS, k8[1], isOwn)
    + columnDot(c + 2u * PARTS, k8[2], isOwn) + columnDot(c + 3u * PARTS, k8[3], isOwn)
    + columnDot(c + 4u * PARTS, k8[4], isOwn) + columnDot(c + 5u * PARTS, k8[5], isOwn)
    + columnDot(c + 6u * PARTS, k8[6], isOwn) + columnDot(c + 7u * PARTS, k8[7], isOwn);
}

fn ownKey(c: u32) -> vec4<f32> {
  return vec4(k[4u * c], k[4u * c + 1u], k[4u * c + 2u], k[4u * c + 3u]);
}

// Norms of q and k: each lane adds up 16 lanes' squares, then the 16 sums.
fn normScales(work: Work, lane: u32) -> vec2<f32> {
  var square = vec2(0.0);
  for (var d = lane; d < HEAD_DIM; d += GROUP) {
    let pair = vec2(qkv[work.firstHead * COLUMNS + d / 4u][d % 4u], qkv[work.rawK + d / 4u][d % 4u]);
    raw[d] = pair;
    square += pair * pair;
  }
  squares[lane] = square;
  workgroupBarrier();
  var some = vec2(0.0);
  for (var i = 0u; i < 16u; i++) {
    some += squares[i * 16u + (lane & 15u)];
  }
  workgroupBarrier();
  if (lane < 16u) {
    squares[lane] = some;
  }
  workgroupBarrier();
  var total = vec2(0.0);
  for (var i = 0u; i < 16u; i++) {
    total += squares[i];
  }
  return inverseSqrt(total / f32(HEAD_DIM) + params.eps);
}

// Channel d of q and of k.
fn normedChannel(d: u32, scales: vec2<f32>) -> vec2<f32> {
  if (NORMS == 0u) {
    return raw[d];
  }
  return raw[d] * scales * vec2(gainQ[d / 4u][d % 4u], gainK[d / 4u][d % 4u]);
}

// By channels: half a head need be no whole columns.
fn rotate(work: Work, scales: vec2<f32>, keeps: bool, lane: u32) {
  for (var n = lane; n < HEAD_DIM / 2u; n += GROUP) {
    let i = select(n, 2u * n, NEIGHBOURS == 1u);
    let j = select(n + HEAD_DIM / 2u, 2u * n + 1u, NEIGHBOURS == 1u);
    let angle = step[1u + n / 2u];
    let turn = bitcast<vec2<f32>>(select(angle.xy, angle.zw, n % 2u == 1u));
    let low = normedChannel(i, scales);
    let high = normedChannel(j, scales);
    let turnedLow = low * turn.x - high * turn.y;
    let turnedHigh = high * turn.x + low * turn.y;
    q[i] = turnedLow.x;
    q[j] = turnedHigh.x;
    k[i] = turnedLow.y;
    k[j] = turnedHigh.y;
    if (work.split == 0u) {
      let to = work.firstHead * HEAD_DIM;
      capture(params.captureQNorm, to + i, low.x);
      capture(params.captureQNorm, to + j, high.x);
      capture(params.captureQRope, to + i, turnedLow.x);
      capture(params.captureQRope, to + j, turnedHigh.x);
    }
    if (keeps) {
      let to = 4u * kvFirst;
      capture(params.captureKNorm, to + i, low.y);
      capture(params.captureKNorm, to + j, high.y);
      capture(params.captureKRope, to + i, turnedLow.y);
      capture(params.captureKRope, to + j, turnedHigh.y);
    }
  }
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let work = workOf(group);
  let position = work.position;
  // The first split of the first of its heads keeps the key and value.
  let keeps = work.piece == 0u && work.split == 0u;

  // Lanes (key, part) for scores, (slice, column) for values. The first tile is under way while q and k are made.
  let part = lane % PARTS;
  let slices = GROUP / COLUMNS;
  let slice = lane / COLUMNS;
  let column = lane % COLUMNS;
  var k8 = keyColumns(work.firstKey + lane / PARTS, part);
  var v8 = valueRows(work.firstKey + slice, work.firstKey + slice + 4u * slices, slices, column);

  let scales = normScales(work, lane);
  rotate(work, scales, keeps, lane);
  workgroupBarrier();
  if (keeps) {
    let own = position * kvStep + kvFirst;
    for (var c = lane; c < COLUMNS; c += GROUP) {
      keys[own + c] = ownKey(c);
      values[own + c] = qkv[work.rawV + c];
    }
  }

  let newest = qkv[work.rawV + column];
  // From this key on, the own value stands in for the row that was read: in its place, and in those of keys that are not there. Their weight
  // is 0, but that row, this token's before it is written, may hold anything: 0 * NaN is NaN. A split without the own key never meets it.
  let ownFrom = select(0xffffffffu, position, position < work.end);
  var top = LOWEST;
  var sum = 0.0;
  var out = vec4(0.0);
  for (var first = work.firstKey; first < work.end; first += TILE) {
    let key = first + lane / PARTS;
    var dots = columnsDot(part, k8, key == position);
    // Heads of more than 128 channels.
    for (var c = part + 8u * PARTS; c < COLUMNS; c += 8u * PARTS) {
      dots += columnsDot(c, keyColumns(key, c), key == position);
    }
    scores[lane] = dots;
    workgroupBarrier();
    if (lane < TILE / 4u) {
      // Four scores a lane, and their maximum.
      var most = LOWEST;
      for (var i = 0u; i < 4u; i++) {
        let j = 4u * lane + i;
        var score = LOWEST;
        if (first + j < work.end) {
          score = params.scale * ((scores[PARTS * j] + scores[PARTS * j + 1u]) + (scores[PARTS * j + 2u] + scores[PARTS * j + 3u]));
          takeScore(work, 0u, first + j, score);
        }
        tileScores[j] = score;
        most = max(most, score);
      }
      tileTops[lane] = most;
    }
    workgroupBarrier();
    var highest = top;
    for (var j = 0u; j < TILE / 4u; j++) {
      highest = max(highest, tileTops[j]);
    }
    let shrink = exp(top - highest);
    top = highest;
    out *= shrink;
    sum *= shrink;
    for (var j = slice; j < TILE; j += 8u * slices) {
      if (j > slice) {
        v8 = valueRows(first + j, first + j + 4u * slices, slices, column);
      }
      for (var i = 0u; i < 8u; i++) {
        let at = j + i * slices;
        let e = select(0.0, exp(tileScores[min(at, TILE - 1u)] - highest), at < TILE && first + at < work.end);
        sum += e;
        out += e * select(v8[i], newest, first + at >= ownFrom);
      }
    }
    if (first + TILE < work.end) {
      k8 = keyColumns(first + TILE + lane / PARTS, part);
      v8 = valueRows(first + TILE + slice, first + TILE + slice + 4u * slices, slices, column);
    }
    workgroupBarrier();
  }

  // Slices of keys are added in order.
  outputs[lane] = out;
  if (column == 0u) {
    scores[slice] = sum;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var s = 0u; s < slices; s++) {
    total += scores[s];
  }
  let joined = vec2(top, total);
  if (slice == 0u) {
    var all = vec4(0.0);
    for (var s = 0u; s < slices; s++) {
      all += outputs[s * COLUMNS + column];
    }
    writeColumn(work, 0u, column, all, joined);
  }
  if (params.isWhole == 0u && lane == 0u) {
    writePair(work, 0u, joined);
  }
  if (params.captureSoftmax != NOWHERE) {
    storageBarrier();
    captureSoftmax(work, 0u, joined, lane);
  }
}

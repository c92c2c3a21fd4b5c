// Attention of one token: q and k are normed head by head and turned (NEOX), k and v are kept, and head h attends to the keys of its split:
//   q' = rope(rmsnorm(q) * gainQ), k' = rope(rmsnorm(k) * gainK), s_j = q' . k_j / sqrt(headDim), p = sum_j exp(s_j - m) v_j
// qkv (qDim + 2 kvDim); keys, values (positions, nHeadKv, headDim), of which this kernel writes row `position`; step: position, splits,
// keys a split (a multiple of TILE), 0, then (cos, sin) of headDim / 2 angles. Grid: x heads, y splits. f32.
// One split: y (nHead, headDim), folded, is p / sum of exponentials. Several: parts holds (splits, nHead, headDim) of p, then
// (splits, nHead) pairs (m, sum of exponentials), which attention_join.wgsl joins; y is bound to it then.
// Own key and value come from qkv: no workgroup needs what another writes here. Keys are taken TILE at a time, with a running maximum
// (Dao et al., FlashAttention, 2022).
override HEAD_DIM = 128u;

const GROUP: u32 = 256u;
const TILE: u32 = 64u;
// Lanes that share a key's score.
const PARTS: u32 = 4u;
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
  tapSoftmax: u32,
  tapAttention: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> gainQ: array<f32>;
@group(0) @binding(3) var<storage, read> gainK: array<f32>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> taps: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

#include "fusions/lib/taps.wgsl"
#include "fusions/lib/places.wgsl"

// Raw q and k; then turned.
var<workgroup> raw: array<vec2<f32>, HEAD_DIM>;
var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> k: array<f32, HEAD_DIM>;
var<workgroup> squares: array<vec2<f32>, GROUP>;
// Parts of scores; then sums of exponentials.
var<workgroup> scores: array<f32, TILE * PARTS>;
var<workgroup> tileScores: array<f32, TILE>;
var<workgroup> tileTops: array<f32, TILE / 4u>;
// Slices of the output.
var<workgroup> outputs: array<vec4<f32>, GROUP>;

// Where a layer's keys and values of this head begin, and the row that other workgroups do not write: the last but own.
var<private> kvFirst: u32;
var<private> kvStep: u32;
var<private> lastRow: u32;

// Eight columns of a key, every PARTS-th from `c` on; beyond the head they repeat the last one.
fn keyColumns(key: u32, c: u32) -> array<vec4<f32>, 8> {
  let at = min(key, lastRow) * kvStep + kvFirst;
  let end = HEAD_DIM / 4u - 1u;
  return array<vec4<f32>, 8>(
    keys[at + min(c, end)], keys[at + min(c + PARTS, end)],
    keys[at + min(c + 2u * PARTS, end)], keys[at + min(c + 3u * PARTS, end)],
    keys[at + min(c + 4u * PARTS, end)], keys[at + min(c + 5u * PARTS, end)],
    keys[at + min(c + 6u * PARTS, end)], keys[at + min(c + 7u * PARTS, end)],
  );
}

// One column of eight values, every `slices`-th from `key` on.
fn valueRows(key: u32, slices: u32, column: u32) -> array<vec4<f32>, 8> {
  let at = kvFirst + column;
  return array<vec4<f32>, 8>(
    values[at + min(key, lastRow) * kvStep], values[at + min(key + slices, lastRow) * kvStep],
    values[at + min(key + 2u * slices, lastRow) * kvStep], values[at + min(key + 3u * slices, lastRow) * kvStep],
    values[at + min(key + 4u * slices, lastRow) * kvStep], values[at + min(key + 5u * slices, lastRow) * kvStep],
    values[at + min(key + 6u * slices, lastRow) * kvStep], values[at + min(key + 7u * slices, lastRow) * kvStep],
  );
}

// A column of q with the same of a key; nothing beyond the head.
fn columnDot(c: u32, cached: vec4<f32>, isOwn: bool) -> f32 {
  let at = min(c, HEAD_DIM / 4u - 1u);
  let product = dot(vec4(q[4u * at], q[4u * at + 1u], q[4u * at + 2u], q[4u * at + 3u]), select(cached, ownKey(at), isOwn));
  return select(0.0, product, c < HEAD_DIM / 4u);
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

fn ownValue(rawV: u32, c: u32) -> vec4<f32> {
  let at = rawV + 4u * c;
  return vec4(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let perKv = params.nHead / params.nHeadKv;
  let kvHead = head / perKv;
  let position = step[0];
  let splits = step[1];
  let perSplit = step[2];
  let qDim = params.nHead * HEAD_DIM;
  let kvDim = params.nHeadKv * HEAD_DIM;
  let rawK = qDim + kvHead * HEAD_DIM;
  let rawV = rawK + kvDim;
  // The first split of the first of its heads keeps the key and value.
  let keeps = head == kvHead * perKv && group.y == 0u;

  // Lanes (key, part) for scores, (slice, column) for values. The first tile is under way while q and k are made.
  let columns = HEAD_DIM / 4u;
  let part = lane % PARTS;
  let slices = GROUP / columns;
  let slice = lane / columns;
  let column = lane % columns;
  kvStep = kvDim / 4u;
  kvFirst = kvHead * columns;
  lastRow = max(position, 1u) - 1u;
  let firstKey = group.y * perSplit;
  var k8 = keyColumns(firstKey + lane / PARTS, part);
  var v8 = valueRows(firstKey + slice, slices, column);

  // Norms: each lane adds up 16 lanes' squares, then the 16 sums.
  var square = vec2(0.0);
  for (var d = lane; d < HEAD_DIM; d += GROUP) {
    let pair = vec2(qkv[head * HEAD_DIM + d], qkv[rawK + d]);
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
  let scales = inverseSqrt(total / f32(HEAD_DIM) + params.eps);

  // NEOX: channels i and i + HEAD_DIM / 2 turn together.
  for (var i = lane; i < HEAD_DIM / 2u; i += GROUP) {
    let j = i + HEAD_DIM / 2u;
    let turn = vec2(bitcast<f32>(step[4u + 2u * i]), bitcast<f32>(step[5u + 2u * i]));
    let low = raw[i] * scales * vec2(gainQ[i], gainK[i]);
    let high = raw[j] * scales * vec2(gainQ[j], gainK[j]);
    let turnedLow = low * turn.x - high * turn.y;
    let turnedHigh = high * turn.x + low * turn.y;
    q[i] = turnedLow.x;
    q[j] = turnedHigh.x;
    k[i] = turnedLow.y;
    k[j] = turnedHigh.y;
    if (group.y == 0u) {
      let to = head * HEAD_DIM;
      tap(params.tapQNorm, to + i, low.x);
      tap(params.tapQNorm, to + j, high.x);
      tap(params.tapQRope, to + i, turnedLow.x);
      tap(params.tapQRope, to + j, turnedHigh.x);
    }
    if (keeps) {
      let to = kvHead * HEAD_DIM;
      tap(params.tapKNorm, to + i, low.y);
      tap(params.tapKNorm, to + j, high.y);
      tap(params.tapKRope, to + i, turnedLow.y);
      tap(params.tapKRope, to + j, turnedHigh.y);
    }
  }
  workgroupBarrier();
  if (keeps) {
    let own = (position * kvDim + kvHead * HEAD_DIM) / 4u;
    for (var c = lane; c < columns; c += GROUP) {
      keys[own + c] = ownKey(c);
      values[own + c] = ownValue(rawV, c);
    }
  }

  let newest = ownValue(rawV, column);
  var top = LOWEST;
  var sum = 0.0;
  var out = vec4(0.0);
  let end = min(position + 1u, firstKey + perSplit);
  for (var first = firstKey; first < end; first += TILE) {
    let key = first + lane / PARTS;
    var dots = columnsDot(part, k8, key == position);
    // Heads of more than 128 channels.
    for (var c = part + 8u * PARTS; c < columns; c += 8u * PARTS) {
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
        if (first + j < end) {
          score = params.scale * ((scores[PARTS * j] + scores[PARTS * j + 1u]) + (scores[PARTS * j + 2u] + scores[PARTS * j + 3u]));
          tap(params.tapScores, head * (position + 1u) + first + j, score);
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
        v8 = valueRows(first + j, slices, column);
      }
      for (var i = 0u; i < 8u; i++) {
        let at = j + i * slices;
        let e = select(0.0, exp(tileScores[min(at, TILE - 1u)] - highest), at < TILE && first + at < end);
        sum += e;
        // Beyond the end the weight is 0, and the row that was read there, this token's before it is written, may hold anything: 0 * NaN is NaN.
        out += e * select(v8[i], newest, first + at >= position);
      }
    }
    if (first + TILE < end) {
      k8 = keyColumns(first + TILE + lane / PARTS, part);
      v8 = valueRows(first + TILE + slice, slices, column);
    }
    workgroupBarrier();
  }

  // Slices of keys are added in order.
  outputs[lane] = out;
  if (column == 0u) {
    scores[slice] = sum;
  }
  workgroupBarrier();
  if (slice == 0u) {
    var all = vec4(0.0);
    for (var s = 0u; s < slices; s++) {
      all += outputs[s * columns + column];
    }
    if (splits == 1u) {
      all /= sliceSums(slices);
      let to = head * HEAD_DIM + 4u * column;
      let blocks = foldBlocks(qDim);
      for (var i = 0u; i < 4u; i++) {
        y[foldedValue(to + i, blocks)] = all[i];
        tap(params.tapAttention, to + i, all[i]);
      }
    } else {
      let to = (group.y * params.nHead + head) * HEAD_DIM + 4u * column;
      for (var i = 0u; i < 4u; i++) {
        y[to + i] = all[i];
      }
    }
  }
  if (splits > 1u && lane == 0u) {
    let to = splits * qDim + 2u * (group.y * params.nHead + head);
    y[to] = top;
    y[to + 1u] = sliceSums(slices);
  }
  if (splits == 1u && params.tapSoftmax != NOWHERE && lane < TILE / 4u) {
    // The scores are captured whenever the softmax is; a lane reads those that it wrote.
    let all = sliceSums(slices);
    for (var first = 4u * lane; first < end; first += TILE) {
      for (var j = first; j < min(first + 4u, end); j++) {
        let i = head * (position + 1u) + j;
        tap(params.tapSoftmax, i, exp(bitcast<f32>(taps[params.tapScores + i]) - top) / all);
      }
    }
  }
}

// The sum of exponentials, after the last barrier.
fn sliceSums(slices: u32) -> f32 {
  var all = 0.0;
  for (var s = 0u; s < slices; s++) {
    all += scores[s];
  }
  return all;
}

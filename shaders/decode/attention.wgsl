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

#include "decode/lib/taps.wgsl"
#include "decode/lib/places.wgsl"

// Raw q and k; then turned.
var<workgroup> raw: array<vec2<f32>, HEAD_DIM>;
var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> k: array<f32, HEAD_DIM>;
var<workgroup> squares: array<vec2<f32>, GROUP>;
// Parts of scores, then their exponentials in the first TILE.
var<workgroup> scores: array<f32, TILE * PARTS>;
var<workgroup> exponentials: array<f32, TILE>;
// Slices of the output.
var<workgroup> outputs: array<vec4<f32>, GROUP>;

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
  let columns = HEAD_DIM / 4u;
  if (keeps) {
    let own = (position * kvDim + kvHead * HEAD_DIM) / 4u;
    for (var c = lane; c < columns; c += GROUP) {
      keys[own + c] = ownKey(c);
      values[own + c] = ownValue(rawV, c);
    }
  }

  // Lanes (key, part) for scores, (slice, column) for values.
  let part = lane % PARTS;
  let slices = GROUP / columns;
  let slice = lane / columns;
  let column = lane % columns;
  let kvStep = kvDim / 4u;
  let kvFirst = kvHead * columns;
  // Rows that other workgroups do not write.
  let lastRow = max(position, 1u) - 1u;
  var top = LOWEST;
  var sum = 0.0;
  var out = vec4(0.0);
  let end = min(position + 1u, (group.y + 1u) * perSplit);
  for (var first = group.y * perSplit; first < end; first += TILE) {
    let key = first + lane / PARTS;
    let keyAt = min(key, lastRow) * kvStep + kvFirst;
    var dots = 0.0;
    for (var c = part; c < columns; c += PARTS) {
      let row = select(keys[keyAt + c], ownKey(c), key == position);
      dots += dot(vec4(q[4u * c], q[4u * c + 1u], q[4u * c + 2u], q[4u * c + 3u]), row);
    }
    scores[lane] = dots;
    workgroupBarrier();
    var score = LOWEST;
    if (lane < TILE && first + lane < end) {
      score = params.scale
        * ((scores[PARTS * lane] + scores[PARTS * lane + 1u]) + (scores[PARTS * lane + 2u] + scores[PARTS * lane + 3u]));
      tap(params.tapScores, head * (position + 1u) + first + lane, score);
    }
    if (lane < TILE) {
      exponentials[lane] = score;
    }
    workgroupBarrier();
    var highest = top;
    for (var j = 0u; j < TILE; j++) {
      highest = max(highest, exponentials[j]);
    }
    workgroupBarrier();
    if (lane < TILE) {
      exponentials[lane] = select(0.0, exp(score - highest), first + lane < end);
    }
    workgroupBarrier();
    let shrink = exp(top - highest);
    top = highest;
    out *= shrink;
    sum *= shrink;
    for (var j = slice; j < TILE; j += slices) {
      let e = exponentials[j];
      let valueAt = min(first + j, lastRow) * kvStep + kvFirst;
      sum += e;
      out += e * select(values[valueAt + column], ownValue(rawV, column), first + j == position);
    }
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
  if (splits == 1u && params.tapSoftmax != NOWHERE && lane < TILE) {
    // The scores are captured whenever the softmax is; a lane reads those that it wrote.
    let all = sliceSums(slices);
    for (var j = lane; j < end; j += TILE) {
      let i = head * (position + 1u) + j;
      tap(params.tapSoftmax, i, exp(bitcast<f32>(taps[params.tapScores + i]) - top) / all);
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

// Attention of one token: q and k are normed head by head and turned (NEOX), k and v are kept, and head h attends to the keys of its split:
//   q' = rope(rmsnorm(q) * gainQ), k' = rope(rmsnorm(k) * gainK), s_j = q' . k_j / sqrt(headDim), y = sum_j exp(s_j - max) v_j
// qkv (qDim + 2 kvDim); keys, values (positions, nHeadKv, headDim), of which this kernel writes row `position`; step: position, splits, 0, 0,
// then (cos, sin) of headDim / 2 angles. Grid: x heads, y splits of KEYS keys. f32.
// One split: y (nHead, headDim) is the attention. Several: y holds, for each head and split, the unscaled sum (headDim), then from
// nHead * splits * headDim on the maximum and the sum of exponentials of each; attention_join.wgsl ends it.
// Own key and value come from qkv: no workgroup reads what another writes here.
override HEAD_DIM = 128u;

const GROUP: u32 = 256u;
// Keys of a split.
const KEYS: u32 = 256u;
// Lanes that share a key's score.
const PARTS: u32 = 8u;
const LOWEST: f32 = -3.4028234e38;

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

// q and k: raw, then normed, then turned.
var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> k: array<f32, HEAD_DIM>;
var<workgroup> scores: array<f32, KEYS>;
var<workgroup> scoreParts: array<f32, KEYS * PARTS>;
// Slices of the output.
var<workgroup> outputs: array<vec4<f32>, GROUP>;
var<workgroup> shared1: array<f32, GROUP>;

fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  shared1[lane] = value;
  workgroupBarrier();
  for (var gap = GROUP / 2u; gap > 0u; gap >>= 1u) {
    if (lane < gap) {
      shared1[lane] += shared1[lane + gap];
    }
    workgroupBarrier();
  }
  return shared1[0];
}

fn highest(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  shared1[lane] = value;
  workgroupBarrier();
  for (var gap = GROUP / 2u; gap > 0u; gap >>= 1u) {
    if (lane < gap) {
      shared1[lane] = max(shared1[lane], shared1[lane + gap]);
    }
    workgroupBarrier();
  }
  return shared1[0];
}

fn quad(isKey: bool, c: u32) -> vec4<f32> {
  if (isKey) {
    return vec4(k[4u * c], k[4u * c + 1u], k[4u * c + 2u], k[4u * c + 3u]);
  }
  return vec4(q[4u * c], q[4u * c + 1u], q[4u * c + 2u], q[4u * c + 3u]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let perKv = params.nHead / params.nHeadKv;
  let kvHead = head / perKv;
  let position = step[0];
  let splits = step[1];
  let qDim = params.nHead * HEAD_DIM;
  let kvDim = params.nHeadKv * HEAD_DIM;
  let rawK = qDim + kvHead * HEAD_DIM;
  let rawV = rawK + kvDim;
  // The first of its heads keeps the key and value, the first split captures them.
  let keeps = head == kvHead * perKv && group.y == 0u;

  // Norms.
  var squareQ = 0.0;
  var squareK = 0.0;
  for (var d = lane; d < HEAD_DIM; d += GROUP) {
    let a = qkv[head * HEAD_DIM + d];
    let b = qkv[rawK + d];
    q[d] = a;
    k[d] = b;
    squareQ += a * a;
    squareK += b * b;
  }
  let scaleQ = inverseSqrt(total(lane, squareQ) / f32(HEAD_DIM) + params.eps);
  let scaleK = inverseSqrt(total(lane, squareK) / f32(HEAD_DIM) + params.eps);

  // NEOX: channels i and i + HEAD_DIM / 2 turn together. Each lane owns its pairs.
  for (var i = lane; i < HEAD_DIM / 2u; i += GROUP) {
    let j = i + HEAD_DIM / 2u;
    let turn = vec2(bitcast<f32>(step[4u + 2u * i]), bitcast<f32>(step[5u + 2u * i]));
    let lowQ = q[i] * scaleQ * gainQ[i];
    let highQ = q[j] * scaleQ * gainQ[j];
    let lowK = k[i] * scaleK * gainK[i];
    let highK = k[j] * scaleK * gainK[j];
    q[i] = lowQ * turn.x - highQ * turn.y;
    q[j] = highQ * turn.x + lowQ * turn.y;
    k[i] = lowK * turn.x - highK * turn.y;
    k[j] = highK * turn.x + lowK * turn.y;
    if (group.y == 0u) {
      tap(params.tapQNorm, head * HEAD_DIM + i, lowQ);
      tap(params.tapQNorm, head * HEAD_DIM + j, highQ);
      tap(params.tapQRope, head * HEAD_DIM + i, q[i]);
      tap(params.tapQRope, head * HEAD_DIM + j, q[j]);
    }
    if (keeps) {
      tap(params.tapKNorm, kvHead * HEAD_DIM + i, lowK);
      tap(params.tapKNorm, kvHead * HEAD_DIM + j, highK);
      tap(params.tapKRope, kvHead * HEAD_DIM + i, k[i]);
      tap(params.tapKRope, kvHead * HEAD_DIM + j, k[j]);
    }
  }
  workgroupBarrier();
  let own = (position * kvDim + kvHead * HEAD_DIM) / 4u;
  if (keeps) {
    for (var c = lane; c < HEAD_DIM / 4u; c += GROUP) {
      keys[own + c] = quad(true, c);
      values[own + c] = ownValue(rawV, c);
    }
  }

  // Scores: PARTS lanes a key.
  let firstKey = group.y * KEYS;
  let count = min(KEYS, position + 1u - firstKey);
  let part = lane % PARTS;
  for (var j = lane / PARTS; j < count; j += GROUP / PARTS) {
    let at = ((firstKey + j) * kvDim + kvHead * HEAD_DIM) / 4u;
    let isOwn = firstKey + j == position;
    var sum = 0.0;
    for (var c = part; c < HEAD_DIM / 4u; c += PARTS) {
      var key = vec4(0.0);
      if (isOwn) {
        key = quad(true, c);
      } else {
        key = keys[at + c];
      }
      sum += dot(quad(false, c), key);
    }
    scoreParts[j * PARTS + part] = sum;
  }
  workgroupBarrier();
  var score = LOWEST;
  if (lane < count) {
    score = 0.0;
    for (var i = 0u; i < PARTS; i++) {
      score += scoreParts[lane * PARTS + i];
    }
    score *= params.scale;
    tap(params.tapScores, head * (position + 1u) + firstKey + lane, score);
  }
  let top = highest(lane, score);
  var e = 0.0;
  if (lane < count) {
    e = exp(score - top);
    scores[lane] = e;
  }
  let sum = total(lane, e);
  if (splits == 1u && lane < count) {
    tap(params.tapSoftmax, head * (position + 1u) + lane, e / sum);
  }

  // Values: lanes (slice, column); slices of keys are added in order.
  let columns = HEAD_DIM / 4u;
  let slices = GROUP / columns;
  let slice = lane / columns;
  let column = lane % columns;
  var out = vec4(0.0);
  if (slice < slices) {
    for (var j = slice; j < count; j += slices) {
      var value = vec4(0.0);
      if (firstKey + j == position) {
        value = ownValue(rawV, column);
      } else {
        value = values[((firstKey + j) * kvDim + kvHead * HEAD_DIM) / 4u + column];
      }
      out += scores[j] * value;
    }
    outputs[slice * columns + column] = out;
  }
  workgroupBarrier();
  if (slice == 0u) {
    var all = vec4(0.0);
    for (var s = 0u; s < slices; s++) {
      all += outputs[s * columns + column];
    }
    if (splits == 1u) {
      all /= sum;
    }
    let to = (head * splits + group.y) * HEAD_DIM + 4u * column;
    for (var i = 0u; i < 4u; i++) {
      y[to + i] = all[i];
      if (splits == 1u) {
        tap(params.tapAttention, to + i, all[i]);
      }
    }
  }
  if (splits > 1u && lane == 0u) {
    let to = params.nHead * splits * HEAD_DIM + 2u * (head * splits + group.y);
    y[to] = top;
    y[to + 1u] = sum;
  }
}

fn ownValue(rawV: u32, c: u32) -> vec4<f32> {
  let at = rawV + 4u * c;
  return vec4(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);
}

#include <totals>
// attention.wgsl by teams of lanes that walk the keys each on its own, without a barrier until the end:
//   q' = rope(rmsnorm(q) * gainQ), k' = rope(rmsnorm(k) * gainK), s_j = q' . k_j / sqrt(headDim), p = sum_j exp(s_j - m) v_j
// qkv (qDim + 2 kvDim); keys, values (positions, nHeadKv, headDim), of which this kernel writes row `position`; step: position, splits,
// keys a split, 0, then (cos, sin) of headDim / 2 angles. headDim is a multiple of 8. f32. <totals> is totals_subgroup.wgsl.
// Grid: x key-value heads times pieces of HEADS of their heads, y splits. isWhole: y (nHead, headDim), folded, is p / sum of exponentials.
// Else it holds (splits, nHead, headDim) of p, then (splits, nHead) pairs (m, sum of exponentials), which attention_join.wgsl joins.
// A lane has every LANES-th column (four channels) of the heads; a team takes KEYS keys at a time, with a running maximum of its own (Dao et
// al., FlashAttention, 2022). Own key and value come from qkv: no workgroup needs what another writes here.
#include "fusions/lib/team.wgsl"

override HEAD_DIM = 128u;
// Heads of one key-value head that share a key once it is read.
override HEADS = 1u;

// Keys of a team that are read together; the next ones are under way meanwhile.
const KEYS: u32 = 8u;
// Below every score; its differences stay finite.
const LOWEST: f32 = -1e30;

struct Params {
  nHead: u32,
  nHeadKv: u32,
  eps: f32,
  scale: f32,
  isWhole: u32,
  tapQNorm: u32,
  tapKNorm: u32,
  tapQRope: u32,
  tapKRope: u32,
  tapScores: u32,
  tapSoftmax: u32,
  tapAttention: u32,
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
#include "fusions/lib/places.wgsl"

override COLUMNS = HEAD_DIM / 4u;
// Columns of a lane. HEADS * EACH is at most 8.
override EACH = (COLUMNS + LANES - 1u) / LANES;
override TEAMS = GROUP / LANES;

// What the teams found: (HEADS, TEAMS), and one head's (TEAMS, LANES * EACH).
var<workgroup> tops: array<f32, HEADS * TEAMS>;
var<workgroup> sums: array<f32, HEADS * TEAMS>;
var<workgroup> outputs: array<vec4<f32>, GROUP * EACH>;

// Where a layer's keys and values of this head begin, and the last row that is read: none that a workgroup writes.
var<private> kvFirst: u32;
var<private> kvStep: u32;
var<private> lastRow: u32;

fn rowAt(key: u32) -> u32 {
  return min(key, lastRow) * kvStep + kvFirst;
}

fn keyRows(key: u32, c: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    keys[rowAt(key) + c], keys[rowAt(key + 1u) + c], keys[rowAt(key + 2u) + c], keys[rowAt(key + 3u) + c],
    keys[rowAt(key + 4u) + c], keys[rowAt(key + 5u) + c], keys[rowAt(key + 6u) + c], keys[rowAt(key + 7u) + c],
  );
}

fn valueRows(key: u32, c: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    values[rowAt(key) + c], values[rowAt(key + 1u) + c], values[rowAt(key + 2u) + c], values[rowAt(key + 3u) + c],
    values[rowAt(key + 4u) + c], values[rowAt(key + 5u) + c], values[rowAt(key + 6u) + c], values[rowAt(key + 7u) + c],
  );
}

// The column that turns with column c (NEOX): channels i and i + HEAD_DIM / 2.
fn partnerOf(c: u32) -> u32 {
  return select(c - COLUMNS / 2u, c + COLUMNS / 2u, c < COLUMNS / 2u);
}

fn turned(c: u32, own: vec4<f32>, partner: vec4<f32>) -> vec4<f32> {
  let pair = min(c, partnerOf(c));
  let one = step[1u + 2u * pair];
  let two = step[2u + 2u * pair];
  let cosines = bitcast<vec4<f32>>(vec4(one.x, one.z, two.x, two.z));
  let sines = bitcast<vec4<f32>>(vec4(one.y, one.w, two.y, two.w));
  return own * cosines + select(partner, -partner, c < COLUMNS / 2u) * sines;
}

fn tapColumn(place: u32, column: u32, v: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    tap(place, 4u * column + i, v[i]);
  }
}

// A lane's share of a row's sum of squares.
fn squareOf(raw: u32, member: u32) -> f32 {
  var sum = 0.0;
  for (var c = member; c < COLUMNS; c += LANES) {
    sum += dot(qkv[raw + c], qkv[raw + c]);
  }
  return sum;
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
  let position = step[0].x;
  let splits = step[0].y;
  let perSplit = step[0].z;
  let team = lane / LANES;
  let member = lane % LANES;
  kvStep = params.nHeadKv * COLUMNS;
  kvFirst = kvHead * COLUMNS;
  let firstKey = group.y * perSplit;
  // The own key is not among the kept ones: it comes last.
  let end = min(position, firstKey + perSplit);
  let hasOwn = position < firstKey + perSplit && team == 0u;
  lastRow = max(end, 1u) - 1u;
  let column = min(member, COLUMNS - 1u);
  // The first keys and values are under way while q and k are made.
  var k8 = keyRows(firstKey + team * KEYS, column);
  var v8 = valueRows(firstKey + team * KEYS, column);

  let rawK = (params.nHead + kvHead) * COLUMNS;
  let rawV = rawK + params.nHeadKv * COLUMNS;
  let isFirst = team == 0u && group.y == 0u;
  let keeps = isFirst && piece == 0u;
  var q: array<vec4<f32>, 8>;
  for (var h = 0u; h < HEADS; h++) {
    let raw = (firstHead + min(h, heads - 1u)) * COLUMNS;
    let scale = inverseSqrt(teamTotal(squareOf(raw, member), lane) / f32(HEAD_DIM) + params.eps);
    for (var j = 0u; j < EACH; j++) {
      let c = member + j * LANES;
      if (c < COLUMNS) {
        let partner = partnerOf(c);
        let normed = qkv[raw + c] * scale * gainQ[c];
        let own = turned(c, normed, qkv[raw + partner] * scale * gainQ[partner]);
        q[h * EACH + j] = own;
        if (isFirst && h < heads) {
          tapColumn(params.tapQNorm, raw + c, normed);
          tapColumn(params.tapQRope, raw + c, own);
        }
      }
    }
  }
  var ownKey: array<vec4<f32>, 8>;
  let scaleK = inverseSqrt(teamTotal(squareOf(rawK, member), lane) / f32(HEAD_DIM) + params.eps);
  for (var j = 0u; j < EACH; j++) {
    let c = member + j * LANES;
    if (c < COLUMNS) {
      let partner = partnerOf(c);
      let normed = qkv[rawK + c] * scaleK * gainK[c];
      let own = turned(c, normed, qkv[rawK + partner] * scaleK * gainK[partner]);
      ownKey[j] = own;
      if (keeps) {
        keys[position * kvStep + kvFirst + c] = own;
        values[position * kvStep + kvFirst + c] = qkv[rawV + c];
        tapColumn(params.tapKNorm, kvFirst + c, normed);
        tapColumn(params.tapKRope, kvFirst + c, own);
      }
    }
  }

  var top: array<f32, 8>;
  var sum: array<f32, 8>;
  var outs: array<vec4<f32>, 8>;
  for (var h = 0u; h < 8u; h++) {
    top[h] = LOWEST;
  }
  for (var first = firstKey; first < end; first += TEAMS * KEYS) {
    let key = first + team * KEYS;
    var nextK = k8;
    var nextV = v8;
    if (EACH == 1u && first + TEAMS * KEYS < end) {
      nextK = keyRows(key + TEAMS * KEYS, column);
      nextV = valueRows(key + TEAMS * KEYS, column);
    }
    let isThereA = vec4(key) + vec4(0u, 1u, 2u, 3u) < vec4(end);
    let isThereB = vec4(key) + vec4(4u, 5u, 6u, 7u) < vec4(end);
    for (var h = 0u; h < HEADS; h++) {
      var a = vec4(0.0);
      var b = vec4(0.0);
      for (var j = 0u; j < EACH; j++) {
        if (EACH > 1u) {
          k8 = keyRows(key, min(member + j * LANES, COLUMNS - 1u));
        }
        let own = q[h * EACH + j];
        a += vec4(dot(own, k8[0]), dot(own, k8[1]), dot(own, k8[2]), dot(own, k8[3]));
        b += vec4(dot(own, k8[4]), dot(own, k8[5]), dot(own, k8[6]), dot(own, k8[7]));
      }
      a = select(vec4(LOWEST), teamTotals(a, lane) * params.scale, isThereA);
      b = select(vec4(LOWEST), teamTotals(b, lane) * params.scale, isThereB);
      if (params.tapScores != NOWHERE && h < heads) {
        let to = (firstHead + h) * (position + 1u) + key;
        for (var i = member; i < KEYS && key + i < end; i += LANES) {
          tap(params.tapScores, to + i, select(pickOf(a, i & 3u), pickOf(b, i & 3u), i >= 4u));
        }
      }
      let four = max(a, b);
      let highest = max(top[h], max(max(four.x, four.y), max(four.z, four.w)));
      let shrink = exp(top[h] - highest);
      top[h] = highest;
      // Keys that are not there weigh nothing; what was read for them is a row that is.
      let ea = select(vec4(0.0), exp(a - highest), isThereA);
      let eb = select(vec4(0.0), exp(b - highest), isThereB);
      let e = ea + eb;
      sum[h] = sum[h] * shrink + ((e.x + e.y) + (e.z + e.w));
      for (var j = 0u; j < EACH; j++) {
        if (EACH > 1u) {
          v8 = valueRows(key, min(member + j * LANES, COLUMNS - 1u));
        }
        outs[h * EACH + j] = outs[h * EACH + j] * shrink
          + ((ea.x * v8[0] + ea.y * v8[1]) + (ea.z * v8[2] + ea.w * v8[3]))
          + ((eb.x * v8[4] + eb.y * v8[5]) + (eb.z * v8[6] + eb.w * v8[7]));
      }
    }
    k8 = nextK;
    v8 = nextV;
  }

  for (var h = 0u; h < HEADS; h++) {
    var dots = 0.0;
    for (var j = 0u; j < EACH; j++) {
      dots += dot(q[h * EACH + j], ownKey[j]);
    }
    let score = teamTotal(dots, lane) * params.scale;
    if (hasOwn) {
      let highest = max(top[h], score);
      let shrink = exp(top[h] - highest);
      let e = exp(score - highest);
      top[h] = highest;
      sum[h] = sum[h] * shrink + e;
      for (var j = 0u; j < EACH; j++) {
        outs[h * EACH + j] = outs[h * EACH + j] * shrink + e * qkv[rawV + min(member + j * LANES, COLUMNS - 1u)];
      }
      if (member == 0u && h < heads) {
        tap(params.tapScores, (firstHead + h) * (position + 1u) + position, score);
      }
    }
    if (member == 0u) {
      tops[h * TEAMS + team] = top[h];
      sums[h * TEAMS + team] = sum[h];
    }
  }

  // Teams are added in order.
  for (var h = 0u; h < HEADS; h++) {
    if (h > 0u) {
      workgroupBarrier();
    }
    for (var j = 0u; j < EACH; j++) {
      outputs[(team * EACH + j) * LANES + member] = outs[h * EACH + j];
    }
    workgroupBarrier();
    if (h < heads) {
      for (var c = lane; c < COLUMNS; c += GROUP) {
        let joined = joinedSum(h);
        var all = vec4(0.0);
        for (var t = 0u; t < TEAMS; t++) {
          all += exp(tops[h * TEAMS + t] - joined.x) * outputs[t * EACH * LANES + c];
        }
        writeColumn(firstHead + h, c, all, joined, group.y, splits);
      }
    }
  }
  if (params.tapSoftmax != NOWHERE) {
    // The scores are captured whenever the softmax is.
    storageBarrier();
    for (var h = 0u; h < heads; h++) {
      let joined = joinedSum(h);
      let at = (firstHead + h) * (position + 1u);
      for (var j = lane; j <= position; j += GROUP) {
        tap(params.tapSoftmax, at + j, exp(bitcast<f32>(taps[params.tapScores + at + j]) - joined.x) / joined.y);
      }
    }
  }
}

// The largest score of a head's teams, and their sum of exponentials. After a barrier.
fn joinedSum(h: u32) -> vec2<f32> {
  var highest = LOWEST;
  for (var t = 0u; t < TEAMS; t++) {
    highest = max(highest, tops[h * TEAMS + t]);
  }
  var all = 0.0;
  for (var t = 0u; t < TEAMS; t++) {
    all += exp(tops[h * TEAMS + t] - highest) * sums[h * TEAMS + t];
  }
  return vec2(highest, all);
}

// joined: the largest score and the sum of exponentials.
fn writeColumn(head: u32, c: u32, all: vec4<f32>, joined: vec2<f32>, split: u32, splits: u32) {
  let column = head * COLUMNS + c;
  let qDim = params.nHead * HEAD_DIM;
  let isWhole = params.isWhole != 0u;
  let to = 4u * select(split * qDim / 4u + column, folded(column, foldBlocks(qDim)), isWhole);
  let value = select(all, all / joined.y, isWhole);
  for (var i = 0u; i < 4u; i++) {
    y[to + i] = value[i];
  }
  if (isWhole) {
    tapColumn(params.tapAttention, column, value);
  } else if (c == 0u) {
    let pair = splits * qDim + 2u * (split * params.nHead + head);
    y[pair] = joined.x;
    y[pair + 1u] = joined.y;
  }
}

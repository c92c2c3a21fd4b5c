#include <totals>
// Attention of one token (fusions/lib/attention.wgsl) by lane groups that walk the keys each on its own, without a barrier until the end.
// <totals> is totals_subgroup.wgsl. A lane has every LANES-th column of the heads; a lane group takes KEYS keys at a time, with a running maximum of
// its own. headDim is a multiple of 8.
#include "fusions/lib/lane_group.wgsl"
#include "fusions/lib/attention.wgsl"

// Keys of a lane group that are read together; the next ones are under way meanwhile.
const KEYS: u32 = 8u;
// Columns of a lane. HEADS * EACH is at most 8.
override EACH = (COLUMNS + LANES - 1u) / LANES;
override LANE_GROUPS = GROUP / LANES;

// What the lane groups found: (HEADS, LANE_GROUPS), and one head's (LANE_GROUPS, LANES * EACH).
var<workgroup> tops: array<f32, HEADS * LANE_GROUPS>;
var<workgroup> sums: array<f32, HEADS * LANE_GROUPS>;
var<workgroup> outputs: array<vec4<f32>, GROUP * EACH>;

fn keyRows(key: u32, c: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    keys[rowAt(key) + c], keys[rowAt(key + 1u) + c], keys[rowAt(key + 2u) + c], keys[rowAt(key + 3u) + c],
    keys[rowAt(key + 4u) + c], keys[rowAt(key + 5u) + c], keys[rowAt(key + 6u) + c], keys[rowAt(key + 7u) + c],
  );
}

// A lane's columns of a head, normed and rotated; captured where `isFirst`, as columns from `to` on.
fn turnedColumns(raw: u32, isK: bool, isFirst: bool, to: u32, lane: u32) -> array<vec4<f32>, 8> {
  let member = lane % LANES;
  var square = 0.0;
  for (var c = member; c < COLUMNS; c += LANES) {
    square += dot(qkv[raw + c], qkv[raw + c]);
  }
  let scale = inverseSqrt(laneGroupTotal(square, lane) / f32(HEAD_DIM) + params.eps);
  var own = array<vec4<f32>, 8>();
  for (var j = 0u; j < EACH; j++) {
    let c = member + j * LANES;
    if (c < COLUMNS) {
      let isLow = c < COLUMNS / 2u;
      let pair = select(c - COLUMNS / 2u, c, isLow);
      let normed = normedPair(raw, pair, scale, isK);
      let turned = rotated(normed, pair);
      own[j] = select(turned.high, turned.low, isLow);
      if (isFirst) {
        captureColumn(select(params.captureQNorm, params.captureKNorm, isK), to + c, select(normed.high, normed.low, isLow));
        captureColumn(select(params.captureQRope, params.captureKRope, isK), to + c, own[j]);
      }
    }
  }
  return own;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let work = workOf(group);
  let position = work.position;
  let laneGroup = lane / LANES;
  let member = lane % LANES;
  let firstKey = work.firstKey;
  // The own key is not among the kept ones: it comes last.
  let end = min(position, work.end);
  let hasOwn = position < work.end && laneGroup == 0u;
  let column = min(member, COLUMNS - 1u);
  // The first keys and values are under way while q and k are made.
  var k8 = keyRows(firstKey + laneGroup * KEYS, column);
  var v8 = valueRows(firstKey + laneGroup * KEYS, firstKey + laneGroup * KEYS + 4u, 1u, column);

  let isFirst = laneGroup == 0u && work.split == 0u;
  let keeps = isFirst && work.piece == 0u;
  var q: array<vec4<f32>, 8>;
  for (var h = 0u; h < HEADS; h++) {
    let raw = (work.firstHead + min(h, work.heads - 1u)) * COLUMNS;
    let own = turnedColumns(raw, false, isFirst && h < work.heads, raw, lane);
    for (var j = 0u; j < EACH; j++) {
      q[h * EACH + j] = own[j];
    }
  }
  let ownKey = turnedColumns(work.rawK, true, keeps, kvFirst, lane);
  if (keeps) {
    for (var j = 0u; j < EACH; j++) {
      let c = member + j * LANES;
      if (c < COLUMNS) {
        keys[position * kvStep + kvFirst + c] = ownKey[j];
        values[position * kvStep + kvFirst + c] = qkv[work.rawV + c];
      }
    }
  }

  var top: array<f32, 8>;
  var sum: array<f32, 8>;
  var outs: array<vec4<f32>, 8>;
  for (var h = 0u; h < 8u; h++) {
    top[h] = LOWEST;
  }
  for (var first = firstKey; first < end; first += LANE_GROUPS * KEYS) {
    let key = first + laneGroup * KEYS;
    var nextK = k8;
    var nextV = v8;
    if (EACH == 1u && first + LANE_GROUPS * KEYS < end) {
      nextK = keyRows(key + LANE_GROUPS * KEYS, column);
      nextV = valueRows(key + LANE_GROUPS * KEYS, key + LANE_GROUPS * KEYS + 4u, 1u, column);
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
      a = select(vec4(LOWEST), laneGroupTotals(a, lane) * params.scale, isThereA);
      b = select(vec4(LOWEST), laneGroupTotals(b, lane) * params.scale, isThereB);
      // The lane group's lanes have the same scores: every other one looks at the same four.
      if (anySpoils(select(a, b, (member & 1u) == 1u))) {
        atomicOr(&spoilt, 1u << h);
      }
      if (params.captureScores != NOWHERE && h < work.heads) {
        let to = (work.firstHead + h) * (position + 1u) + key;
        for (var i = member; i < KEYS && key + i < end; i += LANES) {
          capture(params.captureScores, to + i, select(pickOf(a, i & 3u), pickOf(b, i & 3u), i >= 4u));
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
          v8 = valueRows(key, key + 4u, 1u, min(member + j * LANES, COLUMNS - 1u));
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
    let score = laneGroupTotal(dots, lane) * params.scale;
    if (hasOwn) {
      let highest = max(top[h], score);
      let shrink = exp(top[h] - highest);
      let e = exp(score - highest);
      top[h] = highest;
      sum[h] = sum[h] * shrink + e;
      for (var j = 0u; j < EACH; j++) {
        outs[h * EACH + j] = outs[h * EACH + j] * shrink + e * qkv[work.rawV + min(member + j * LANES, COLUMNS - 1u)];
      }
      if (member == 0u) {
        takeScore(work, h, position, score);
      }
    }
    if (member == 0u) {
      tops[h * LANE_GROUPS + laneGroup] = top[h];
      sums[h * LANE_GROUPS + laneGroup] = sum[h];
    }
  }

  // Lane groups are added in order.
  for (var h = 0u; h < HEADS; h++) {
    if (h > 0u) {
      workgroupBarrier();
    }
    for (var j = 0u; j < EACH; j++) {
      outputs[(laneGroup * EACH + j) * LANES + member] = outs[h * EACH + j];
    }
    workgroupBarrier();
    if (h < work.heads) {
      for (var c = lane; c < COLUMNS; c += GROUP) {
        let joined = joinedSum(h);
        var all = vec4(0.0);
        for (var t = 0u; t < LANE_GROUPS; t++) {
          all += exp(tops[h * LANE_GROUPS + t] - joined.x) * outputs[t * EACH * LANES + c];
        }
        writeColumn(work, h, c, all, joined);
        if (params.isWhole == 0u && c == 0u) {
          writePair(work, h, joined);
        }
      }
    }
  }
  if (params.captureSoftmax != NOWHERE) {
    storageBarrier();
    for (var h = 0u; h < work.heads; h++) {
      captureSoftmax(work, h, joinedSum(h), lane);
    }
  }
}

// The largest score of a head's lane groups, and their sum of exponentials. After a barrier.
fn joinedSum(h: u32) -> vec2<f32> {
  var highest = LOWEST;
  for (var t = 0u; t < LANE_GROUPS; t++) {
    highest = max(highest, tops[h * LANE_GROUPS + t]);
  }
  var all = 0.0;
  for (var t = 0u; t < LANE_GROUPS; t++) {
    all += exp(tops[h * LANE_GROUPS + t] - highest) * sums[h * LANE_GROUPS + t];
  }
  return vec2(highest, all);
}

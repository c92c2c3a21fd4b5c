// y[r][i] = exp(x[r][i] - max) / sum_i exp(x[r][i] - max) over values begin to valid - 1 of the row; 0 elsewhere.
// Causal attention: rows are (token, head), valid = firstPosition + token + 1, begin = valid - window or 0: what the mask hides is never read.
// Router: causal 0, valid = rowLength, begin = 0.
// Where there are sinks, that of the row's head is one more term of the sum and of the maximum, and no value.
// x, y (rows, rowLength). One workgroup a row; lane l takes values l, l + 64, ...; every lane joins the 64 partial results in the
// same order. The maximum is subtracted first, so that no exponential overflows. f32.
// A NaN or +Infinity among the values makes all of the row NaN: a maximum that leaves a NaN out would make finite probabilities of it.
#include "lib/non_finite.wgsl"
#include "lib/rows.wgsl"
const LOWEST: f32 = -3.4028234e38;

struct Params {
  rows: u32,
  rowLength: u32,
  causal: u32,
  rowsPerToken: u32,
  firstPosition: u32,
  window: u32,
  hasSinks: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> sinks: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> partialMax: array<f32, LANES>;
// Whether a lane has seen a value that no probability follows from.
var<workgroup> partialSpoilt: array<u32, LANES>;

fn compute(row: u32, lane: u32) {
  var valid = params.rowLength;
  if (params.causal != 0u) {
    valid = min(valid, params.firstPosition + row / params.rowsPerToken + 1u);
  }
  let begin = valid - min(valid, params.window);
  let first = row * params.rowLength;

  var highest = LOWEST;
  var spoilt = 0u;
  var sink = LOWEST;
  if (params.hasSinks != 0u) {
    sink = sinks[row % params.rowsPerToken];
    highest = sink;
    spoilt = select(0u, 1u, spoils(sink));
  }
  for (var i = begin + lane; i < valid; i += LANES) {
    highest = max(highest, x[first + i]);
    spoilt |= select(0u, 1u, spoils(x[first + i]));
  }
  partialSpoilt[lane] = spoilt;
  partialMax[lane] = highest;
  workgroupBarrier();
  for (var l = 0u; l < LANES; l++) {
    highest = max(highest, partialMax[l]);
    spoilt |= partialSpoilt[l];
  }

  var sum = 0.0;
  for (var i = begin + lane; i < valid; i += LANES) {
    let e = exp(x[first + i] - highest);
    y[first + i] = e;
    sum += e;
  }
  var total = sumOfLanes(lane, sum);
  if (params.hasSinks != 0u) {
    total += exp(sink - highest);
  }

  for (var i = begin + lane; i < valid; i += LANES) {
    y[first + i] = orNaN(y[first + i] / total, spoilt != 0u);
  }
  for (var i = lane; i < begin; i += LANES) {
    y[first + i] = 0.0;
  }
  for (var i = valid + lane; i < params.rowLength; i += LANES) {
    y[first + i] = 0.0;
  }
}

// Joins the splits of attention.wgsl: y[h][d] = sum_s exp(m_s - M) a_s[d] / sum_s exp(m_s - M) l_s, M the largest m_s.
// parts (nHead, splits, headDim) of a, then (nHead, splits) pairs (m, l); y (nHead, headDim). One lane a value. f32, splits in order.
struct Params {
  nHead: u32,
  headDim: u32,
  tapScores: u32,
  tapSoftmax: u32,
  tapAttention: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"

const LOWEST: f32 = -3.4028234e38;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>) {
  if (global.x >= params.nHead * params.headDim) {
    return;
  }
  let head = global.x / params.headDim;
  let d = global.x - head * params.headDim;
  let splits = step[1];
  let pairs = params.nHead * splits * params.headDim + 2u * head * splits;
  var top = LOWEST;
  for (var s = 0u; s < splits; s++) {
    top = max(top, parts[pairs + 2u * s]);
  }
  var sum = 0.0;
  var value = 0.0;
  for (var s = 0u; s < splits; s++) {
    let weight = exp(parts[pairs + 2u * s] - top);
    value += weight * parts[(head * splits + s) * params.headDim + d];
    sum += weight * parts[pairs + 2u * s + 1u];
  }
  y[global.x] = value / sum;
  tap(params.tapAttention, global.x, value / sum);
  if (params.tapSoftmax != NOWHERE) {
    // The scores are captured whenever the softmax is.
    let count = step[0] + 1u;
    for (var j = d; j < count; j += params.headDim) {
      let score = bitcast<f32>(taps[params.tapScores + head * count + j]);
      tap(params.tapSoftmax, head * count + j, exp(score - top) / sum);
    }
  }
}

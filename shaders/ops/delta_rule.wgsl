// The state of a gated delta net behind each token, token by token: M <- e^decay M, then M <- M + (v - M k) beta k^T.
// k (rows, nHeadK, n); v (rows, nHeadV, m); decay, beta (rows, nHeadV); before (nHeadV, m, n), 0 before the first token; y (rows, nHeadV, m, n).
// Head h of v has head h % nHeadK of k. With `each` every token has a state before it of its own:
// before (rows, nHeadV, m, n). Rows of a state do not meet: one lane keeps one, through all tokens. count = nHeadV * m. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  rows: u32,
  nHeadK: u32,
  nHeadV: u32,
  n: u32,
  m: u32,
  each: u32,
}

@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> decay: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read> before: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

fn compute(i: u32) {
  let head = i / params.m;
  let size = params.count * params.n;
  let own = i * params.n;
  for (var t = 0u; t < params.rows; t++) {
    let key = (t * params.nHeadK + head % params.nHeadK) * params.n;
    let to = t * size + own;
    let keep = exp(decay[t * params.nHeadV + head]);
    var known = 0.0;
    for (var j = 0u; j < params.n; j++) {
      var old = 0.0;
      if (params.each == 1u) {
        old = before[to + j];
      } else if (t == 0u) {
        old = before[own + j];
      } else {
        old = y[to - size + j];
      }
      let kept = keep * old;
      y[to + j] = kept;
      known += kept * k[key + j];
    }
    let change = (v[t * params.count + i] - known) * beta[t * params.nHeadV + head];
    for (var j = 0u; j < params.n; j++) {
      y[to + j] += change * k[key + j];
    }
  }
}

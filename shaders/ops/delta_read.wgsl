// y[t][h][i] = sum_j state[t][h][i][j] * q[t][h % nHeadK][j] * scale
// state (rows, nHeadV, m, n); q (rows, nHeadK, n); y (rows, nHeadV, m), count of them. scale = 1 / sqrt(n). One lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  nHeadK: u32,
  nHeadV: u32,
  n: u32,
  m: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> state: array<f32>;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(i: u32) {
  let head = i / params.m;
  let token = head / params.nHeadV;
  let query = (token * params.nHeadK + (head - token * params.nHeadV) % params.nHeadK) * params.n;
  let first = i * params.n;
  var sum = 0.0;
  for (var j = 0u; j < params.n; j++) {
    sum += state[first + j] * q[query + j];
  }
  y[i] = sum * params.scale;
}

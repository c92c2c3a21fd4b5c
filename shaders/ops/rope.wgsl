// Rotary embedding: two channels of a head turn together by the angle of their pair, those behind all pairs pass.
//   y[i]         = x[i] * cos - x[i + apart] * sin
//   y[i + apart] = x[i + apart] * cos + x[i] * sin
// Pair p begins at channel i = p * step. NEOX: step 1, apart = pairs; NORM: step 2, apart 1.
// x (tokens, heads, headDim); y the same from value yOffset on; table (tokens, pairs) of (cos, sin), made by the CPU because
// WGSL's own are only good to 2^-11. One lane a pair and one a channel that passes; count = tokens * heads * (headDim - pairs). f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  pairs: u32,
  heads: u32,
  headDim: u32,
  step: u32,
  apart: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn compute(index: u32) {
  let lanes = params.headDim - params.pairs;
  let row = index / lanes; // token * heads + head
  let pair = index - row * lanes;
  if (pair >= params.pairs) {
    let channel = row * params.headDim + params.pairs + pair;
    y[params.yOffset + channel] = x[channel];
    return;
  }
  let turn = table[(row / params.heads) * params.pairs + pair];
  let at = row * params.headDim + pair * params.step;
  let other = at + params.apart;
  let low = x[at];
  let high = x[other];
  y[params.yOffset + at] = low * turn.x - high * turn.y;
  y[params.yOffset + other] = high * turn.x + low * turn.y;
}

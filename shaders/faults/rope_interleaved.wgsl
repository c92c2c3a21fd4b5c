// A FAULT ON PURPOSE: rotary embedding of channels 2i and 2i + 1 of a head, not of i and i + pairs as NEOX has it, in tokens first to
// end - 1. x (tokens, heads, 2 * pairs); y the same from value yOffset on; table (tokens, pairs) of (cos, sin). One lane a pair. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  pairs: u32,
  heads: u32,
  yOffset: u32,
  first: u32,
  end: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = linearIndex(global, groups, 64u);
  if (index >= params.count) {
    return;
  }
  let row = index / params.pairs; // token * heads + head
  let pair = index - row * params.pairs;
  let token = row / params.heads;
  let turn = table[token * params.pairs + pair];
  let faulty = token >= params.first && token < params.end;
  let head = row * 2u * params.pairs;
  let at = head + select(pair, 2u * pair, faulty);
  let other = at + select(params.pairs, 1u, faulty);
  let low = x[at];
  let high = x[other];
  y[params.yOffset + at] = low * turn.x - high * turn.y;
  y[params.yOffset + other] = high * turn.x + low * turn.y;
}

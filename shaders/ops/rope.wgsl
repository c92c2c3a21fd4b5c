// NEOX rotary embedding: channels i and i + pairs of a head turn together by the angle position * base^(-2i / headDim).
//   y[i]         = x[i] * cos - x[i + pairs] * sin
//   y[i + pairs] = x[i + pairs] * cos + x[i] * sin
// x (tokens, heads, 2 * pairs); y the same from value yOffset on; table (tokens, pairs) of (cos, sin), made by the CPU because
// WGSL's own are only good to 2^-11. One lane a pair; count = tokens * heads * pairs. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  pairs: u32,
  heads: u32,
  yOffset: u32,
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
  let turn = table[(row / params.heads) * params.pairs + pair];
  let at = row * 2u * params.pairs + pair;
  let low = x[at];
  let high = x[at + params.pairs];
  y[params.yOffset + at] = low * turn.x - high * turn.y;
  y[params.yOffset + at + params.pairs] = high * turn.x + low * turn.y;
}

// Joins many splits of attention to one, so that the output projection need not do it in every workgroup (see project.wgsl):
// y (1, nHead, headDim) of the joined values, then pairs (m, 1). parts as attention.wgsl leaves them. One lane four channels. f32.
struct Params {
  nHead: u32,
  headVec4s: u32,
  tapScores: u32,
  tapSoftmax: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include "decode/lib/taps.wgsl"
#include "decode/lib/join_splits.wgsl"

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) global: vec3<u32>) {
  let column = global.x;
  let all = params.nHead * params.headVec4s;
  if (column >= all) {
    return;
  }
  let head = column / params.headVec4s;
  let splits = step[1];
  y[column] = joined(head, column, splits);
  if (column * 2u < params.nHead) {
    y[all + column] = vec4(0.0, 1.0, 0.0, 1.0);
  }
  if (params.tapSoftmax != NOWHERE) {
    // The scores are captured whenever the softmax is.
    let norm = headNorm(head, splits);
    let count = step[0] + 1u;
    for (var j = column % params.headVec4s; j < count; j += params.headVec4s) {
      let score = bitcast<f32>(taps[params.tapScores + head * count + j]);
      tap(params.tapSoftmax, head * count + j, exp(score - norm.x) / norm.y);
    }
  }
}

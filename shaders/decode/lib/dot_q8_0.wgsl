// Q8_0: the scale is multiplied once for its 32 weights.
#include "lib/q8_0.wgsl"

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let sum = dot(signedBytes(unit.first.x), v[0]) + dot(signedBytes(unit.first.y), v[1])
    + dot(signedBytes(unit.first.z), v[2]) + dot(signedBytes(unit.first.w), v[3])
    + dot(signedBytes(unit.second.x), v[4]) + dot(signedBytes(unit.second.y), v[5])
    + dot(signedBytes(unit.second.z), v[6]) + dot(signedBytes(unit.second.w), v[7]);
  return unit.scale * sum;
}

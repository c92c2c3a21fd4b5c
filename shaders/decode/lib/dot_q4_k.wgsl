// Q4_K: sum of (s q_i - m) x_i = s * sum of q_i x_i - m * sum of x_i. The last sum serves all rows, which leaves one product a weight.
#include "lib/q4_k.wgsl"

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  let sums = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
  return (sums.x + sums.y) + (sums.z + sums.w);
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let first = (unit.first >> vec4(4u * chunk)) & vec4(0x0f0f0f0fu);
  let second = (unit.second >> vec4(4u * chunk)) & vec4(0x0f0f0f0fu);
  let sum = dot(unsignedBytes(first.x), v[0]) + dot(unsignedBytes(first.y), v[1])
    + dot(unsignedBytes(first.z), v[2]) + dot(unsignedBytes(first.w), v[3])
    + dot(unsignedBytes(second.x), v[4]) + dot(unsignedBytes(second.y), v[5])
    + dot(unsignedBytes(second.z), v[6]) + dot(unsignedBytes(second.w), v[7]);
  return unit.scales.scale[chunk] * sum - unit.scales.minimum[chunk] * total;
}

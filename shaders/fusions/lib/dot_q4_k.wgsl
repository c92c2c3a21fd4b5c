// Q4_K: sum of (s q_i - m) x_i = s * sum of q_i x_i - m * sum of x_i. The last sum serves all rows, which leaves one product a weight.
#include "types/q4_k.wgsl"
#include "fusions/lib/small_floats.wgsl"

struct Loaded {
  first: vec4<u32>,
  second: vec4<u32>,
  scales: vec4<u32>,
}

fn fetch(row: u32, nIn: u32, unit: u32) -> Loaded {
  let at = row + 9u * (unit >> 2u);
  let pair = unit & 3u;
  return Loaded(weights[at + 1u + 2u * pair], weights[at + 2u + 2u * pair], weights[at]);
}

fn unitOf(loaded: Loaded, unit: u32) -> Unit {
  return Unit(loaded.first, loaded.second, pairScales(loaded.scales, unit & 3u));
}

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  let sums = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
  return (sums.x + sums.y) + (sums.z + sums.w);
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let mask = 0xfu << (4u * chunk);
  var sums = fourFloats(unit.first.x, mask, 0.0) * v[0];
  sums += fourFloats(unit.first.y, mask, 0.0) * v[1];
  sums += fourFloats(unit.first.z, mask, 0.0) * v[2];
  sums += fourFloats(unit.first.w, mask, 0.0) * v[3];
  sums += fourFloats(unit.second.x, mask, 0.0) * v[4];
  sums += fourFloats(unit.second.y, mask, 0.0) * v[5];
  sums += fourFloats(unit.second.z, mask, 0.0) * v[6];
  sums += fourFloats(unit.second.w, mask, 0.0) * v[7];
  // Chunk 1 is the high nibbles: four bits further to the left.
  let sum = addedUp(sums) * select(1.0, 0.0625, chunk == 1u);
  return unit.scales.scale[chunk] * sum - unit.scales.minimum[chunk] * total;
}

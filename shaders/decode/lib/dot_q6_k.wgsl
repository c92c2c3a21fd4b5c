// Q6_K: the scale is multiplied once for its 16 weights.
#include "lib/q6_k.wgsl"
#include "decode/lib/small_floats.wgsl"

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkPrepared(chunk: u32, v: array<vec4<f32>, 8>) -> array<vec4<f32>, 8> {
  return scaledX(v, BYTE_FACTORS);
}

// Four q - 32, from the low four and the high two bits of each.
fn fourQuants(low: u32, high: u32) -> vec4<f32> {
  return fourFloats((low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4u), 0x3fu, 32.0);
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let s = signedBytes(unit.scales[chunk]);
  let even = unit.even >> vec4(4u * chunk);
  let odd = unit.odd >> vec4(4u * chunk);
  let evenHigh = unit.high >> vec4(4u * chunk);
  let oddHigh = unit.high >> vec4(4u * chunk + 2u);
  let a = dot(fourQuants(even.x, evenHigh.x), v[0]) + dot(fourQuants(even.y, evenHigh.y), v[1])
    + dot(fourQuants(even.z, evenHigh.z), v[2]) + dot(fourQuants(even.w, evenHigh.w), v[3]);
  let b = dot(fourQuants(odd.x, oddHigh.x), v[4]) + dot(fourQuants(odd.y, oddHigh.y), v[5])
    + dot(fourQuants(odd.z, oddHigh.z), v[6]) + dot(fourQuants(odd.w, oddHigh.w), v[7]);
  return unit.d * (s.x * a + s.z * b);
}

// A chunk's product with x: dequantise, multiply, add. For every type.
#include <weights>

#include "decode/lib/unit_as_loaded.wgsl"

// The sum of x and its form that chunkDot wants, once for all rows.
fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkPrepared(chunk: u32, v: array<vec4<f32>, 8>) -> array<vec4<f32>, 8> {
  return v;
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  return dot32(chunkWeights(unit, chunk), v);
}

// A chunk's product with x: dequantise, multiply, add. For every type.
#include <weights>

// What chunkDot wants to know of x, once for all rows.
fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  return dot32(chunkWeights(unit, chunk), v);
}

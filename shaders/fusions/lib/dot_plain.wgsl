// A chunk's product with x: dequantise, multiply, add. For every type.
#include <weights>

#include "fusions/lib/unit_as_loaded.wgsl"

// What chunkDot wants of x, once for all rows.
fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let w = chunkWeights(unit, chunk);
  return dot(w[0], v[0]) + dot(w[1], v[1]) + dot(w[2], v[2]) + dot(w[3], v[3])
    + dot(w[4], v[4]) + dot(w[5], v[5]) + dot(w[6], v[6]) + dot(w[7], v[7]);
}

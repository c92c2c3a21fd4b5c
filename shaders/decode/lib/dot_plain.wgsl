// A chunk's product with x: dequantise, multiply, add. For every type.
#include <weights>

struct Loaded {
  unit: Unit,
}

fn fetch(row: u32, nIn: u32, unit: u32) -> Loaded {
  return Loaded(loadUnit(row, nIn, unit));
}

fn unitOf(loaded: Loaded, unit: u32) -> Unit {
  return loaded.unit;
}

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

// Q8_0: the scale is multiplied once for its 32 weights. Flipping the top bit of a signed byte adds 128.
#include "types/q8_0.wgsl"
#include "fusions/lib/small_floats.wgsl"

struct Loaded {
  first: vec4<u32>,
  second: vec4<u32>,
  // Holds the scale.
  word: u32,
}

fn fetch(row: u32, nIn: u32, unit: u32) -> Loaded {
  let at = row + 2u * unit;
  let plane = row + (nIn >> 4u);
  return Loaded(weights[at], weights[at + 1u], weights[plane + (unit >> 3u)][(unit >> 1u) & 3u]);
}

fn unitOf(loaded: Loaded, unit: u32) -> Unit {
  return Unit(loaded.first, loaded.second, unpack2x16float(loaded.word)[unit & 1u]);
}

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn fourQuants(word: u32) -> vec4<f32> {
  return fourFloats(word ^ 0x80808080u, 0xffu, 128.0);
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  var sums = fourQuants(unit.first.x) * v[0];
  sums += fourQuants(unit.first.y) * v[1];
  sums += fourQuants(unit.first.z) * v[2];
  sums += fourQuants(unit.first.w) * v[3];
  sums += fourQuants(unit.second.x) * v[4];
  sums += fourQuants(unit.second.y) * v[5];
  sums += fourQuants(unit.second.z) * v[6];
  sums += fourQuants(unit.second.w) * v[7];
  return unit.scale * addedUp(sums);
}

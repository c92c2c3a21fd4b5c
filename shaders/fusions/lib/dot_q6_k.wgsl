// Q6_K: the scale is multiplied once for its 16 weights.
#include "types/q6_k.wgsl"
#include "fusions/lib/small_floats.wgsl"

struct Loaded {
  even: vec4<u32>,
  odd: vec4<u32>,
  high: vec4<u32>,
  scales: vec4<u32>,
  // Holds d.
  word: u32,
}

fn fetch(row: u32, nIn: u32, unit: u32) -> Loaded {
  let block = unit >> 2u;
  let blocks = nIn >> 8u;
  let half = (unit >> 1u) & 1u;
  let quarter = unit & 1u;
  let at = row + 12u * block;
  return Loaded(
    weights[at + 4u * half + quarter],
    weights[at + 4u * half + 2u + quarter],
    weights[at + 8u + 2u * half + quarter],
    weights[row + 12u * blocks + block],
    weights[row + 13u * blocks + (block >> 3u)][(block >> 1u) & 3u],
  );
}

fn unitOf(loaded: Loaded, unit: u32) -> Unit {
  let scales = select(loaded.scales.xy, loaded.scales.zw, (unit & 2u) == 2u) >> vec2(8u * (unit & 1u));
  return Unit(loaded.even, loaded.odd, loaded.high, scales, unpack2x16float(loaded.word)[(unit >> 2u) & 1u]);
}

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
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
  var a = fourQuants(even.x, evenHigh.x) * v[0];
  a += fourQuants(even.y, evenHigh.y) * v[1];
  a += fourQuants(even.z, evenHigh.z) * v[2];
  a += fourQuants(even.w, evenHigh.w) * v[3];
  var b = fourQuants(odd.x, oddHigh.x) * v[4];
  b += fourQuants(odd.y, oddHigh.y) * v[5];
  b += fourQuants(odd.z, oddHigh.z) * v[6];
  b += fourQuants(odd.w, oddHigh.w) * v[7];
  return unit.d * addedUp(s.x * a + s.z * b);
}

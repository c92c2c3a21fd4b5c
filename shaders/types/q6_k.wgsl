// Q6_K, super-blocks of 256, groups of 16: weight i of group g is d * s_g * (q_i - 32); s a signed byte, q of six bits.
// Half n (128 weights, runs 0 to 3 of 32): byte l (0 to 31) of its 64 nibble bytes holds q_l of run 0 low and of run 2 high, byte 32 + l
// those of the runs 1 and 3; byte l of its 32 bytes of high bits holds, from its low end, the top two bits of q_l of the runs 0 to 3.
// Row: plane of nibbles and high bits (128 + 64 bytes a super-block), plane of s (16 bytes a super-block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_4x16.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  // Runs 0 and 2; runs 1 and 3.
  even: vec4<u32>,
  odd: vec4<u32>,
  high: vec4<u32>,
  // Bytes 0 and 2 of word c: s of the runs 2c and 2c + 1.
  scales: vec2<u32>,
  d: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 2u;
  let blocks = nIn >> 8u;
  let half = (unit >> 1u) & 1u;
  let quarter = unit & 1u;
  let at = row + 12u * block;
  let all = weights[row + 12u * blocks + block];
  return Unit(
    weights[at + 4u * half + quarter],
    weights[at + 4u * half + 2u + quarter],
    weights[at + 8u + 2u * half + quarter],
    select(all.xy, all.zw, half == 1u) >> vec2(8u * quarter),
    planeHalf(row + 13u * blocks, block),
  );
}

fn fourWeights(scale: f32, low: u32, high: u32) -> vec4<f32> {
  return scale * (unsignedBytes((low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4u)) - 32.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let s = signedBytes(unit.scales[chunk]);
  let a = unit.d * s.x;
  let b = unit.d * s.z;
  let even = unit.even >> vec4(4u * chunk);
  let odd = unit.odd >> vec4(4u * chunk);
  let evenHigh = unit.high >> vec4(4u * chunk);
  let oddHigh = unit.high >> vec4(4u * chunk + 2u);
  return array<vec4<f32>, 8>(
    fourWeights(a, even.x, evenHigh.x), fourWeights(a, even.y, evenHigh.y),
    fourWeights(a, even.z, evenHigh.z), fourWeights(a, even.w, evenHigh.w),
    fourWeights(b, odd.x, oddHigh.x), fourWeights(b, odd.y, oddHigh.y),
    fourWeights(b, odd.z, oddHigh.z), fourWeights(b, odd.w, oddHigh.w),
  );
}

// Q3_K, super-blocks of 256, groups of 16: weight i of group g is d * (s_g - 32) * (q_i - 4 + 4 h_i); s of six bits, q of two, h of one.
// Byte l (0 to 31) of half n of the quants holds, from its low end, q of l in the runs 0 to 3 (32 weights each) of that half;
// byte l of the mask holds h of l in all eight runs. Group g of s: low four bits in byte g mod 8 (nibble g div 8), high two bits in byte
// 8 + g mod 4 (from bit 2 * (g div 4)).
// Row: super-blocks of 112 bytes: mask 32, quants 64, s 12, d (f16), 2 of padding.
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_4x16.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  quants: vec4<u32>,
  // Moved so that bit r of a byte belongs to run r of the unit's half.
  mask: vec4<u32>,
  // Moved so that bytes 0 and 2 of word c belong to the runs 2c and 2c + 1.
  scalesLow: vec2<u32>,
  // Moved so that bits 2c of bytes 0 and 2 belong to the runs 2c and 2c + 1.
  scalesHigh: u32,
  d: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + 7u * (unit >> 2u);
  let half = (unit >> 1u) & 1u;
  let tail = weights[at + 6u];
  let shift = 8u * (unit & 1u) + 4u * half;
  return Unit(
    weights[at + 2u + (unit & 3u)],
    weights[at + (unit & 1u)] >> vec4(4u * half),
    tail.xy >> vec2(shift),
    tail.z >> shift,
    unpack2x16float(tail.w).x,
  );
}

fn fourWeights(scale: f32, quants: u32, mask: u32) -> vec4<f32> {
  return scale * (unsignedBytes((quants & 0x03030303u) | ((mask & 0x01010101u) << 2u)) - 4.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let s = (unit.scalesLow[chunk] & 0x000f000fu) | (((unit.scalesHigh >> (2u * chunk)) & 0x00030003u) << 4u);
  let a = unit.d * (f32(s & 0xffu) - 32.0);
  let b = unit.d * (f32(s >> 16u) - 32.0);
  let first = unit.quants >> vec4(4u * chunk);
  let second = unit.quants >> vec4(4u * chunk + 2u);
  let firstMask = unit.mask >> vec4(2u * chunk);
  let secondMask = unit.mask >> vec4(2u * chunk + 1u);
  return array<vec4<f32>, 8>(
    fourWeights(a, first.x, firstMask.x), fourWeights(a, first.y, firstMask.y),
    fourWeights(a, first.z, firstMask.z), fourWeights(a, first.w, firstMask.w),
    fourWeights(b, second.x, secondMask.x), fourWeights(b, second.y, secondMask.y),
    fourWeights(b, second.z, secondMask.z), fourWeights(b, second.w, secondMask.w),
  );
}

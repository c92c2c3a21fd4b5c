// TQ1_0, super-blocks of 256: weight i is d * (t_i - 1), t of five base-3 digits a byte. Digit n of byte b is ((b * 3^n) mod 256) * 3 div 256.
// Bytes 0 to 31 hold weights 0 to 159, bytes 32 to 47 weights 160 to 239: digit 0 of all of them, then digit 1 ...; four bytes more, of four digits
// each, the last 16. Row: plane of 48 bytes a super-block, plane of 4 bytes, plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  first: vec4<u32>,
  second: vec4<u32>,
  // 3^n for all of `first`, and for each word of `second`.
  power: u32,
  powers: vec4<u32>,
  d: f32,
}

// 3^n, n up to 4.
fn powerOfThree(n: u32) -> u32 {
  return select(select(1u, 3u, (n & 1u) == 1u) * select(1u, 9u, (n & 2u) == 2u), 81u, n >= 4u);
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let block = unit >> 3u;
  let g = unit & 7u;
  let tailsAt = row + 3u * (nIn >> 8u);
  let at = row + 3u * block;
  let d = planeHalf(tailsAt + planeVec4s(nIn >> 6u), block);
  if (g < 5u) {
    let power = powerOfThree(g);
    return Unit(weights[at], weights[at + 1u], power, vec4(power), d);
  }
  let last = weights[at + 2u];
  if (g < 7u) {
    return Unit(last, last, powerOfThree(2u * g - 10u), vec4(powerOfThree(2u * g - 9u)), d);
  }
  return Unit(last, vec4(planeWord(tailsAt, block)), 81u, vec4(1u, 3u, 9u, 27u), d);
}

fn fourWeights(d: f32, word: u32, power: u32) -> vec4<f32> {
  let digits = (((unpack4xU8(word) * power) & vec4(255u)) * 3u) >> vec4(8u);
  return d * (vec4<f32>(digits) - 1.0);
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let d = unit.d;
  let a = unit.first;
  let b = unit.second;
  let p = unit.powers;
  return array<vec4<f32>, 8>(
    fourWeights(d, a.x, unit.power), fourWeights(d, a.y, unit.power),
    fourWeights(d, a.z, unit.power), fourWeights(d, a.w, unit.power),
    fourWeights(d, b.x, p.x), fourWeights(d, b.y, p.y), fourWeights(d, b.z, p.z), fourWeights(d, b.w, p.w),
  );
}

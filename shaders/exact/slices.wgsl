// Rows of f64 as integers on a power-of-two grid of each row, cut into eight digits of a signed byte, base 256, for products.wgsl.
// A value v is rounded to the nearest multiple of 2^unit: |v| <= 2^(unit + 62), so the integer has 63 bits and its balanced digits exist.
//
// x (nX, nIn) pairs of words, f64 bits, finite; digits (nX, nIn / 32, 8 digits, 8 words of 4 values). One lane: 4 values.
struct Params {
  // Lanes with work: nX * nIn / 4
  count: u32,
  // nIn / 4
  quads: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> units: array<i32>;
@group(0) @binding(2) var<storage, read_write> digits: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

#include "lib/grid.wgsl"
#include "exact/fixed.wgsl"

fn compute(i: u32) {
  let row = i / params.quads;
  let quad = i % params.quads;
  var low: vec4<u32>;
  var high: vec4<u32>;
  for (var j = 0u; j < 4u; j++) {
    let value = onGrid(x[i * 4u + j], units[row]);
    // Balanced digits: add 128 to each, cut, and take it off again.
    let biased = value.x + 0x80808080u;
    low[j] = biased ^ 0x80808080u;
    high[j] = (value.y + 0x80808080u + u32(biased < value.x)) ^ 0x80808080u;
  }
  let at = (row * (params.quads / 8u) + quad / 8u) * 64u + quad % 8u;
  for (var d = 0u; d < 4u; d++) {
    let shift = 8u * d;
    let l = (low >> vec4(shift)) & vec4(0xFFu);
    let h = (high >> vec4(shift)) & vec4(0xFFu);
    digits[at + d * 8u] = l.x | (l.y << 8u) | (l.z << 16u) | (l.w << 24u);
    digits[at + (d + 4u) * 8u] = h.x | (h.y << 8u) | (h.z << 16u) | (h.w << 24u);
  }
}

/*
 * src/cpu/kernels/dot.ts with f64x2 vectors: v0 .. v3 hold lanes 0 1, 2 3, 4 5 and 6 7, so the same additions happen in the same order.
 */

/** ((l0 + l1) + (l2 + l3)) + ((l4 + l5) + (l6 + l7)) */
// @ts-ignore: an AssemblyScript decorator
@inline
function laneSum(v0: v128, v1: v128, v2: v128, v3: v128): f64 {
  const a = f64x2.extract_lane(v0, 0) + f64x2.extract_lane(v0, 1);
  const b = f64x2.extract_lane(v1, 0) + f64x2.extract_lane(v1, 1);
  const c = f64x2.extract_lane(v2, 0) + f64x2.extract_lane(v2, 1);
  const d = f64x2.extract_lane(v3, 0) + f64x2.extract_lane(v3, 1);
  return a + b + (c + d);
}

/** The first two of four f32, as f64. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function wide(pair: v128): v128 {
  return f64x2.promote_low_f32x4(pair);
}

/** row . x over the bytes from `row` to `end`. */
// @ts-ignore: an AssemblyScript decorator
@inline
function dot(row: usize, end: usize, x: usize): f64 {
  let v0 = f64x2.splat(0);
  let v1 = v0;
  let v2 = v0;
  let v3 = v0;
  for (let w = row; w < end; w += 32, x += 64) {
    v0 = f64x2.add(v0, f64x2.mul(wide(v128.load64_zero(w, 0)), v128.load(x, 0)));
    v1 = f64x2.add(v1, f64x2.mul(wide(v128.load64_zero(w, 8)), v128.load(x, 16)));
    v2 = f64x2.add(v2, f64x2.mul(wide(v128.load64_zero(w, 16)), v128.load(x, 32)));
    v3 = f64x2.add(v3, f64x2.mul(wide(v128.load64_zero(w, 24)), v128.load(x, 48)));
  }
  return laneSum(v0, v1, v2, v3);
}

/** The same of the row `stride` bytes on as well: x is loaded once for both, and twice as many sums hide what an addition takes. */
// @ts-ignore: an AssemblyScript decorator
@inline
function dotPair(row: usize, stride: usize, end: usize, x: usize, y: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (let a = row, b = row + stride; a < end; a += 32, b += 32, x += 64) {
    const x0 = v128.load(x);
    a0 = f64x2.add(a0, f64x2.mul(wide(v128.load64_zero(a, 0)), x0));
    b0 = f64x2.add(b0, f64x2.mul(wide(v128.load64_zero(b, 0)), x0));
    const x1 = v128.load(x, 16);
    a1 = f64x2.add(a1, f64x2.mul(wide(v128.load64_zero(a, 8)), x1));
    b1 = f64x2.add(b1, f64x2.mul(wide(v128.load64_zero(b, 8)), x1));
    const x2 = v128.load(x, 32);
    a2 = f64x2.add(a2, f64x2.mul(wide(v128.load64_zero(a, 16)), x2));
    b2 = f64x2.add(b2, f64x2.mul(wide(v128.load64_zero(b, 16)), x2));
    const x3 = v128.load(x, 48);
    a3 = f64x2.add(a3, f64x2.mul(wide(v128.load64_zero(a, 24)), x3));
    b3 = f64x2.add(b3, f64x2.mul(wide(v128.load64_zero(b, 24)), x3));
  }
  store<f64>(y, laneSum(a0, a1, a2, a3));
  store<f64>(y, laneSum(b0, b1, b2, b3), 8);
}

/**
 * y_tr = row_r . x_t for every token and some rows: a token's vector is read once for all of them, so that a long prompt need not come from
 * memory again for each row.
 * @param row f32, (rows, n), `n` a multiple of 8
 * @param x f64, (tokens, n) @param y f64 (rows) of the first token; those of the others follow every `yStride` bytes
 */
export function dots(row: usize, rows: u32, n: u32, x: usize, tokens: u32, y: usize, yStride: u32): void {
  const rowBytes: usize = n << 2;
  const xBytes: usize = n << 3;
  for (let t: u32 = 0; t < tokens; t++) {
    let w = row;
    let r: u32 = 0;
    for (; r + 2 <= rows; r += 2, w += 2 * rowBytes) dotPair(w, rowBytes, w + rowBytes, x, y + (r << 3));
    if (r < rows) store<f64>(y + (r << 3), dot(w, w + rowBytes, x));
    x += xBytes;
    y += yStride;
  }
}

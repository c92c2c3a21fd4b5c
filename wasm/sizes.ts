/*
 * What error bounds scale with, sum_j |w_ij| |x_j|, in f32: src/cpu/kernels/magnitudes.ts with f32x4 vectors. `low` holds lanes 0 to 3 of a sum and
 * `high` lanes 4 to 7, so the same additions happen in the same order.
 */

/** to_j = |row_j| + tiny, in f32. */
export function addSizes(row: usize, n: u32, to: usize, tiny: f32): void {
  const small = f32x4.splat(tiny);
  let j: u32 = 0;
  for (; j + 4 <= n; j += 4) v128.store(to + (j << 2), f32x4.add(f32x4.abs(v128.load(row + (j << 2))), small));
  for (; j < n; j++) store<f32>(to + (j << 2), abs<f32>(load<f32>(row + (j << 2))) + tiny);
}

/** ((l0 + l1) + (l2 + l3)) + ((l4 + l5) + (l6 + l7)), scaled. */
// @ts-ignore: an AssemblyScript decorator
@inline
function finish(low: v128, high: v128, factor: f64, y: usize): void {
  const a = f32x4.extract_lane(low, 0) + f32x4.extract_lane(low, 1);
  const b = f32x4.extract_lane(low, 2) + f32x4.extract_lane(low, 3);
  const c = f32x4.extract_lane(high, 0) + f32x4.extract_lane(high, 1);
  const d = f32x4.extract_lane(high, 2) + f32x4.extract_lane(high, 3);
  store<f64>(y, <f64>(a + b + (c + d)) * factor);
}

/** One row, one token. */
// @ts-ignore: an AssemblyScript decorator
@inline
function one(row: usize, end: usize, x: usize, factor: usize, y: usize): void {
  let low = f32x4.splat(0);
  let high = low;
  for (; row < end; row += 32, x += 32) {
    low = f32x4.add(low, f32x4.mul(v128.load(row), v128.load(x)));
    high = f32x4.add(high, f32x4.mul(v128.load(row, 16), v128.load(x, 16)));
  }
  finish(low, high, load<f64>(factor), y);
}

/**
 * Two rows, two tokens: each vector that is loaded serves two sums. Lanes 0 to 3 of all four, and then lanes 4 to 7: with both at a time their sums
 * and what is loaded would not fit into registers. Rows and tokens lie `stride` bytes apart.
 */
// @ts-ignore: an AssemblyScript decorator
@inline
function four(row: usize, stride: usize, x: usize, factor: usize, y: usize, yStride: usize): void {
  const end = row + stride;
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let w = row, v = x; w < end; w += 32, v += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w + stride);
    const x0 = v128.load(v);
    const x1 = v128.load(v + stride);
    a = f32x4.add(a, f32x4.mul(w0, x0));
    b = f32x4.add(b, f32x4.mul(w1, x0));
    c = f32x4.add(c, f32x4.mul(w0, x1));
    d = f32x4.add(d, f32x4.mul(w1, x1));
  }
  let aHigh = f32x4.splat(0);
  let bHigh = aHigh;
  let cHigh = aHigh;
  let dHigh = aHigh;
  for (let w = row + 16, v = x + 16; w < end; w += 32, v += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w + stride);
    const x0 = v128.load(v);
    const x1 = v128.load(v + stride);
    aHigh = f32x4.add(aHigh, f32x4.mul(w0, x0));
    bHigh = f32x4.add(bHigh, f32x4.mul(w1, x0));
    cHigh = f32x4.add(cHigh, f32x4.mul(w0, x1));
    dHigh = f32x4.add(dHigh, f32x4.mul(w1, x1));
  }
  finish(a, aHigh, load<f64>(factor), y);
  finish(b, bHigh, load<f64>(factor), y + 8);
  finish(c, cHigh, load<f64>(factor, 8), y + yStride);
  finish(d, dHigh, load<f64>(factor, 8), y + yStride + 8);
}

/**
 * y_tr = row_r . x_t times the token's factor.
 * @param row f32, (rows, n), `n` a multiple of 8
 * @param x f32, (tokens, n) @param factors f64, (tokens) @param y f64 (rows) of the first token; those of the others follow every `yStride` bytes
 */
export function sizes(
  row: usize,
  rows: u32,
  n: u32,
  x: usize,
  tokens: u32,
  factors: usize,
  y: usize,
  yStride: u32,
): void {
  const bytes: usize = n << 2;
  let t: u32 = 0;
  for (; t + 2 <= tokens; t += 2) {
    let r: u32 = 0;
    for (; r + 2 <= rows; r += 2) four(row + r * bytes, bytes, x, factors, y + (r << 3), yStride);
    for (; r < rows; r++) {
      const w = row + r * bytes;
      one(w, w + bytes, x, factors, y + (r << 3));
      one(w, w + bytes, x + bytes, factors + 8, y + yStride + (r << 3));
    }
    x += 2 * bytes;
    factors += 16;
    y += 2 * yStride;
  }
  if (t === tokens) return;
  for (let r: u32 = 0; r < rows; r++) one(row + r * bytes, row + r * bytes + bytes, x, factors, y + (r << 3));
}

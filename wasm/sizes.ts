/*
 * What error bounds scale with, sum_j |w_ij| |x_j|, in f32: src/cpu/kernels/magnitudes.ts with f32x4 vectors. `low` holds lanes 0 to 3 of a sum and
 * `high` lanes 4 to 7, so the same additions happen in the same order. The two never meet before a sum's end: as in blocked.ts one after the
 * other is summed over whole rows, for two rows and four tokens in registers, packed for that.
 */

/** Bytes of one vector's turn of a group of rows and of tokens. */
const PAIR_BYTES: usize = 32;
const QUAD_BYTES: usize = 64;
/** Bytes of the low and high sums of a token and two rows. */
const PART_BYTES: usize = 64;
const PAIR_PART_BYTES: usize = 4 * PART_BYTES;

/** |values| + small */
// @ts-ignore: an AssemblyScript decorator
@inline
function size(values: v128, small: v128): v128 {
  return f32x4.add(f32x4.abs(values), small);
}

/** |row_j| + tiny of two rows as a group: (vector, turn, row) of f32x4. @param n a multiple of 8 @param stride bytes between rows */
export function packSizePair(row: usize, stride: usize, n: u32, to: usize, tiny: f32): void {
  const small = f32x4.splat(tiny);
  const panel: usize = <usize>(n >> 3) * PAIR_BYTES;
  for (const end = row + (n << 2); row < end; row += 32, to += PAIR_BYTES) {
    const other = row + stride;
    v128.store(to, size(v128.load(row), small));
    v128.store(to, size(v128.load(other), small), 16);
    v128.store(to + panel, size(v128.load(row, 16), small));
    v128.store(to + panel, size(v128.load(other, 16), small), 16);
  }
}

/** Four tokens' sizes as a group: (vector, turn, token) of f32x4. @param stride bytes between tokens */
export function packSizeQuad(x: usize, stride: usize, n: u32, to: usize): void {
  const panel: usize = <usize>(n >> 3) * QUAD_BYTES;
  for (let t: usize = 0; t < 4; t++, x += stride) {
    let at = to + (t << 4);
    for (let from = x; from < x + (n << 2); from += 32, at += QUAD_BYTES) {
      v128.store(at, v128.load(from));
      v128.store(at + panel, v128.load(from, 16));
    }
  }
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

/** One vector's share of two rows times four tokens: (token, row) to `part`, the next row 32 bytes on. */
// @ts-ignore: an AssemblyScript decorator
@inline
function share(w: usize, end: usize, x: usize, part: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (; w < end; w += PAIR_BYTES, x += QUAD_BYTES) {
    const a = v128.load(w);
    const b = v128.load(w, 16);
    const x0 = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(a, x0));
    b0 = f32x4.add(b0, f32x4.mul(b, x0));
    const x1 = v128.load(x, 16);
    a1 = f32x4.add(a1, f32x4.mul(a, x1));
    b1 = f32x4.add(b1, f32x4.mul(b, x1));
    const x2 = v128.load(x, 32);
    a2 = f32x4.add(a2, f32x4.mul(a, x2));
    b2 = f32x4.add(b2, f32x4.mul(b, x2));
    const x3 = v128.load(x, 48);
    a3 = f32x4.add(a3, f32x4.mul(a, x3));
    b3 = f32x4.add(b3, f32x4.mul(b, x3));
  }
  v128.store(part, a0);
  v128.store(part, b0, 32);
  v128.store(part, a1, PART_BYTES);
  v128.store(part, b1, PART_BYTES + 32);
  v128.store(part, a2, 2 * PART_BYTES);
  v128.store(part, b2, 2 * PART_BYTES + 32);
  v128.store(part, a3, 3 * PART_BYTES);
  v128.store(part, b3, 3 * PART_BYTES + 32);
}

/**
 * y_tr = row_r . x_t times the token's factor.
 * @param w pairs of `rows` rows by {@link packSizePair}: beside an odd one lies whatever does @param x `quads` groups of {@link packSizeQuad}
 * @param factors f64, (quads, 4) @param parts room for 256 bytes a pair
 * @param y f64 (rows) of the first token; those of the others follow every `yStride` bytes
 */
export function sizeBlocks(
  w: usize,
  rows: u32,
  n: u32,
  x: usize,
  quads: u32,
  factors: usize,
  parts: usize,
  y: usize,
  yStride: u32,
): void {
  const wPanel: usize = <usize>(n >> 3) * PAIR_BYTES;
  const xPanel: usize = <usize>(n >> 3) * QUAD_BYTES;
  const pairs: usize = (rows + 1) >> 1;
  for (let q: u32 = 0; q < quads; q++) {
    for (let vector: usize = 0; vector < 2; vector++) {
      for (let p: usize = 0; p < pairs; p++) {
        const from = w + (2 * p + vector) * wPanel;
        share(from, from + wPanel, x, parts + p * PAIR_PART_BYTES + (vector << 4));
      }
      x += xPanel;
    }
    for (let t: usize = 0; t < 4; t++) {
      const factor = load<f64>(factors);
      for (let r: usize = 0; r < <usize>rows; r++) {
        const part = parts + (r >> 1) * PAIR_PART_BYTES + t * PART_BYTES + ((r & 1) << 5);
        finish(v128.load(part), v128.load(part, 16), factor, y + (r << 3));
      }
      factors += 8;
      y += yStride;
    }
  }
}

/**
 * The same of tokens that no group holds, two rows at a time.
 * @param row f32, (rows, n), `n` a multiple of 8 @param x f32, (tokens, n) @param factors f64, (tokens)
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
  tiny: f32,
): void {
  const small = f32x4.splat(tiny);
  const bytes: usize = n << 2;
  for (let t: u32 = 0; t < tokens; t++, x += bytes, factors += 8, y += yStride) {
    const factor = load<f64>(factors);
    for (let r: u32 = 0, a = row; r < rows; r += 2, a += 2 * bytes) {
      // Beside an odd row lies nothing of it: it is its own neighbour.
      const other: usize = r + 1 < rows ? bytes : 0;
      let low = f32x4.splat(0);
      let high = low;
      let otherLow = low;
      let otherHigh = low;
      for (let w = a, v = x, end = a + bytes; w < end; w += 32, v += 32) {
        const x0 = v128.load(v);
        low = f32x4.add(low, f32x4.mul(size(v128.load(w), small), x0));
        otherLow = f32x4.add(otherLow, f32x4.mul(size(v128.load(w + other), small), x0));
        const x1 = v128.load(v, 16);
        high = f32x4.add(high, f32x4.mul(size(v128.load(w, 16), small), x1));
        otherHigh = f32x4.add(otherHigh, f32x4.mul(size(v128.load(w + other, 16), small), x1));
      }
      finish(low, high, factor, y + (r << 3));
      if (other > 0) finish(otherLow, otherHigh, factor, y + (r << 3) + 8);
    }
  }
}

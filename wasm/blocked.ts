import { wide } from './dots';

/*
 * Products of many rows and tokens at once, in the order of dots.ts. The vectors v0 .. v3 of a sum never meet before its end: one after the other
 * is summed over whole rows, for PAIR rows and QUAD tokens in registers, so that a loaded vector serves several sums. Rows and tokens are packed
 * for that: all v0 of a group, then all v1, v2 and v3, as f64.
 */

/** Bytes of one vector's turn of a group of rows and of tokens. */
const PAIR_BYTES: usize = 32;
const QUAD_BYTES: usize = 64;

/** Two rows of f32 as a group: (vector, turn, row) of f64x2. @param n a multiple of 8 @param stride bytes between rows */
export function packPair(row: usize, stride: usize, n: u32, to: usize): void {
  const panel: usize = <usize>(n >> 3) * PAIR_BYTES;
  for (const end = row + (n << 2); row < end; row += 32, to += PAIR_BYTES) {
    const other = row + stride;
    v128.store(to, wide(v128.load64_zero(row)));
    v128.store(to, wide(v128.load64_zero(other)), 16);
    v128.store(to + panel, wide(v128.load64_zero(row, 8)));
    v128.store(to + panel, wide(v128.load64_zero(other, 8)), 16);
    v128.store(to + 2 * panel, wide(v128.load64_zero(row, 16)));
    v128.store(to + 2 * panel, wide(v128.load64_zero(other, 16)), 16);
    v128.store(to + 3 * panel, wide(v128.load64_zero(row, 24)));
    v128.store(to + 3 * panel, wide(v128.load64_zero(other, 24)), 16);
  }
}

/** Four tokens' vectors as a group: (vector, turn, token) of f64x2. @param stride bytes between tokens */
export function packQuad(x: usize, stride: usize, n: u32, to: usize): void {
  const panel: usize = <usize>(n >> 3) * QUAD_BYTES;
  for (let t: usize = 0; t < 4; t++, x += stride) {
    let at = to + (t << 4);
    for (let from = x; from < x + (n << 3); from += 64, at += QUAD_BYTES) {
      v128.store(at, v128.load(from));
      v128.store(at + panel, v128.load(from, 16));
      v128.store(at + 2 * panel, v128.load(from, 32));
      v128.store(at + 3 * panel, v128.load(from, 48));
    }
  }
}

/** The two halves of a vector, of two rows: (a0 + a1, b0 + b1) */
// @ts-ignore: an AssemblyScript decorator
@inline
function halvesOf(a: v128, b: v128): v128 {
  return f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/** One vector's share of PAIR x QUAD sums, its two lanes added: (token, row) to `part`, the next token PART_BYTES on. */
// @ts-ignore: an AssemblyScript decorator
@inline
function share(w: usize, end: usize, x: usize, part: usize): void {
  let a0 = f64x2.splat(0);
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
    a0 = f64x2.add(a0, f64x2.mul(a, x0));
    b0 = f64x2.add(b0, f64x2.mul(b, x0));
    const x1 = v128.load(x, 16);
    a1 = f64x2.add(a1, f64x2.mul(a, x1));
    b1 = f64x2.add(b1, f64x2.mul(b, x1));
    const x2 = v128.load(x, 32);
    a2 = f64x2.add(a2, f64x2.mul(a, x2));
    b2 = f64x2.add(b2, f64x2.mul(b, x2));
    const x3 = v128.load(x, 48);
    a3 = f64x2.add(a3, f64x2.mul(a, x3));
    b3 = f64x2.add(b3, f64x2.mul(b, x3));
  }
  v128.store(part, halvesOf(a0, b0));
  v128.store(part, halvesOf(a1, b1), PART_BYTES);
  v128.store(part, halvesOf(a2, b2), 2 * PART_BYTES);
  v128.store(part, halvesOf(a3, b3), 3 * PART_BYTES);
}

/** Bytes of the four vectors' shares of a token and two rows. */
const PART_BYTES: usize = 64;
const PAIR_PART_BYTES: usize = 4 * PART_BYTES;

/**
 * y of some rows and quads of tokens.
 * @param w pairs of `rows` rows by {@link packPair}: beside an odd one lies whatever does @param x `quads` groups of {@link packQuad}
 * @param parts room for 256 bytes a pair
 * @param y f64 (rows) of the first token; those of the others follow every `yStride` bytes
 */
export function blocks(w: usize, rows: u32, n: u32, x: usize, quads: u32, parts: usize, y: usize, yStride: u32): void {
  const wPanel: usize = <usize>(n >> 3) * PAIR_BYTES;
  const xPanel: usize = <usize>(n >> 3) * QUAD_BYTES;
  const pairs: usize = (rows + 1) >> 1;
  for (let q: u32 = 0; q < quads; q++) {
    for (let vector: usize = 0; vector < 4; vector++) {
      // A vector of four tokens stays in the nearest cache while the rows go by.
      for (let p: usize = 0; p < pairs; p++) {
        const from = w + (4 * p + vector) * wPanel;
        share(from, from + wPanel, x, parts + p * PAIR_PART_BYTES + (vector << 4));
      }
      x += xPanel;
    }
    for (let t: usize = 0; t < 4; t++) {
      for (let p: usize = 0; p < pairs; p++) {
        const part = parts + p * PAIR_PART_BYTES + t * PART_BYTES;
        const ab = f64x2.add(v128.load(part), v128.load(part, 16));
        const cd = f64x2.add(v128.load(part, 32), v128.load(part, 48));
        const sums = f64x2.add(ab, cd);
        if ((p << 1) + 1 < <usize>rows) v128.store(y + (p << 4), sums);
        else v128.store64_lane(y + (p << 4), sums, 0);
      }
      y += yStride;
    }
  }
}

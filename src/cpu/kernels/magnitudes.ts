import { TINY } from '../../ops/rounding';
import { DOT_LANES } from './dot';

/*
 * What the error bounds of a product scale with, sum_j (|w_ij| + TINY) (|x_j| + TINY), in f32: half the cost of f64. A bound must not come out
 * smaller for that, so whatever is rounded is rounded up or made up for.
 */

/** The vectors of some tokens as magnitudes: f32, each token's by a power of two of its own. */
export interface TokenSizes {
  /** (tokens, n): (|x_j| + TINY) / scale, rounded up. */
  readonly values: Float32Array<ArrayBuffer>;
  /** (tokens): scale, times what makes up for the roundings of a sum of n. */
  readonly factors: Float64Array<ArrayBuffer>;
}

/**
 * The largest value of a token lies in [2^-18, 2^-17): with any finite f32 weight and up to 2^17 terms a sum stays finite, and no sum is below
 * 2^-18 TINY, beside which what is lost of subnormal products is nothing.
 */
const HEADROOM_BITS = 17;
/** 2^1000 times any f32 is a f64, and so is what the largest f64 becomes when it is divided by it. */
const MOST_BITS = 1000;

/**
 * A sum of n goes through n / 8 additions in its lane and three between lanes, each right to 2^-24, as is each product; a subnormal product is off
 * by 2^-150, n of them by n 2^-29 of the smallest sum. In all n (2^-27 + 2^-29) + 2^-22; the rest is room for their squares.
 */
function roundings(n: number): number {
  return n * 2 ** -26 + 2 ** -21;
}

/** Magnitudes of the first `tokens` rows of x, (tokens, n). */
export function sizesOf(x: Float64Array, tokens: number, n: number): TokenSizes {
  const values = new Float32Array(tokens * n);
  const factors = new Float64Array(tokens);
  for (let t = 0; t < tokens; t++) {
    const bits = Math.min(MOST_BITS, exponentOf(largestOf(x, t * n, n) + TINY) + HEADROOM_BITS);
    // A step up before it is rounded to nearest, and half of the smallest f32 where steps are that.
    const up = 2 ** -bits * (1 + 2 ** -23);
    for (let i = t * n; i < (t + 1) * n; i++) values[i] = (Math.abs(x[i]!) + TINY) * up + 2 ** -149;
    factors[t] = 2 ** bits * (1 + roundings(n));
  }
  return { values, factors };
}

/** Largest finite magnitude of a row. */
function largestOf(x: Float64Array, from: number, n: number): number {
  let largest = 0;
  for (let i = from; i < from + n; i++) {
    const size = Math.abs(x[i]!);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

const float = new DataView(new ArrayBuffer(8));

/** e of a normal f64 that lies in [2^(e - 1), 2^e). */
function exponentOf(value: number): number {
  float.setFloat64(0, value);
  return ((float.getUint16(0) >>> 4) & 0x7ff) - 1022;
}

/** to_j = |row_j| + TINY. Rounded to f32 the sum is still at least |row_j|, and at least TINY. */
export function rowSizes(row: Float32Array, to: Float32Array): void {
  const tiny = TINY;
  for (let j = 0; j < row.length; j++) to[j] = Math.abs(row[j]!) + tiny;
}

/** sum_j w[j] * sizes[at + j] over `n` elements, every product and sum in f32, in the order of {@link DOT_LANES}. */
export function dotSizes(w: Float32Array, sizes: Float32Array, at: number, n: number): number {
  const lanes = new Float32Array(DOT_LANES);
  for (let j = 0; j < n; j++) {
    const lane = j % DOT_LANES;
    lanes[lane] = lanes[lane]! + Math.fround(w[j]! * sizes[at + j]!);
  }
  const sum = (a: number, b: number): number => Math.fround(a + b);
  const four = (i: number): number => sum(sum(lanes[i]!, lanes[i + 1]!), sum(lanes[i + 2]!, lanes[i + 3]!));
  return sum(four(0), four(4));
}

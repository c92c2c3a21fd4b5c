/**
 * The error of f32 arithmetic as WGSL promises it (docs/numerics.md): what the reference's bounds and the comparison both stand on.
 */

/** Largest finite f32. What lies beyond it by less than half a step still rounds to it. */
export const LARGEST_F32 = 2 ** 128 - 2 ** 104;

/** Relative error of one f32 operation of a kernel: correctly rounded, in a direction that WGSL leaves open. */
export const UNIT = 2 ** -23;
/** Relative error of a rounding to nearest f32, as JavaScript does it: inputs that a kernel is fed, and the capture it is compared with. */
export const HALF_UNIT = 2 ** -24;

/**
 * Roundings of one term of a product besides the n additions: dequantisation on both sides (2), the product (1), a block scale applied
 * after a block's sum (1), the input (1/2), and the reference's own f64 (under 1).
 */
export const PRODUCT_ROUNDINGS = 6;

/** Higham's gamma_k = k u / (1 - k u): the relative error of k chained operations. Infinity when k u reaches 1. */
export function gamma(k: number): number {
  const ku = k * UNIT;
  return ku < 1 ? ku / (1 - ku) : Infinity;
}

/** Terms that an own kernel adds up at once, in any order. */
const CHUNK = 32;

/**
 * How a kernel adds up the terms of a product. `any`: in whatever order, one after the other at worst. `chunked`: 32 neighbouring terms at a time, in any
 * order, and then the sums of these chunks, in any order: what every kernel of `shaders/ops/linear_*.wgsl` but the tile does.
 */
export type SumOrder = 'any' | 'chunked';

/** Additions that a term of a sum of n can pass through. A tree over k leaves is at most k - 1 deep. */
export function additions(n: number, order: SumOrder): number {
  return order === 'any' ? n : Math.min(n, CHUNK + Math.ceil(n / CHUNK));
}

/**
 * How many times sqrt(n) 2^-24 sum |w x| an error of n independent roundings to nearest exceeds with a probability of 1e-9 in 1e7 values: 2 exp(-lambda^2 / 2)
 * is at most 1e-16 a value for lambda = 8.7 (Higham and Mary 2019, theorem 2.4), and 9.5 leaves room for what they call the second order.
 */
export const SUSPICIOUS_ESTIMATE = 9.5;

/** How often sums of attention are scaled anew at most, as a running softmax does: once for so many keys, and so often more. */
export interface Rescales {
  readonly everyKeys: number;
  readonly more: number;
}

/** The same over some number of keys. */
export function rescalesOver(rescales: Rescales | undefined, nKeys: number): number {
  return rescales === undefined ? 0 : Math.ceil(nKeys / rescales.everyKeys) + rescales.more;
}

/**
 * The error of f32 arithmetic as WGSL promises it (docs/numerics.md): what the reference's bounds and the comparison both stand on.
 */

/** Relative error of one f32 operation of a kernel: correctly rounded, in a direction that WGSL leaves open. */
export const UNIT = 2 ** -23;
/** Relative error of a rounding to nearest f32, as JavaScript does it: inputs that a kernel is fed, and the tap it is compared with. */
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

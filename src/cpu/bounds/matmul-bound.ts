import { againstTap, FLUSH, gamma } from './rounding';

/**
 * Roundings of one term besides the n additions: dequantisation on both sides (2), the product (1), a block scale applied after a
 * block's sum (1), the input (1/2), and the reference's own f64 (under 1).
 */
const EXTRA_ROUNDINGS = 6;

/**
 * Largest error of y_i = sum_j w_ij x_j in f32, in any order, fused or not: gamma_{n+6} B_i + 2 (n + 6) flushes.
 * @param values the exact y
 * @param magnitudes B, as `matmul-rows.ts` sums it, same layout
 * @param n row length
 */
export function matmulBound(values: ArrayLike<number>, magnitudes: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const factor = gamma(n + EXTRA_ROUNDINGS);
  const flushes = 2 * (n + EXTRA_ROUNDINGS) * FLUSH;
  const out = new Float64Array(magnitudes.length);
  for (let i = 0; i < out.length; i++) out[i] = againstTap(factor * magnitudes[i]! + flushes, values[i]!);
  return out;
}

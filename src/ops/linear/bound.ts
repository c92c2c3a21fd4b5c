import { gamma, PRODUCT_ROUNDINGS } from '../../base/f32-error';
import { againstTap, FLUSH } from '../rounding';

/**
 * Largest error of y_i = sum_j w_ij x_j in f32, in any order, fused or not: gamma_{n+6} B_i + 2 (n + 6) flushes.
 * @param values the exact y
 * @param magnitudes B, as `matmul-rows.ts` sums it, same layout
 * @param n row length
 */
export function matmulBound(values: ArrayLike<number>, magnitudes: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const factor = gamma(n + PRODUCT_ROUNDINGS);
  const flushes = 2 * (n + PRODUCT_ROUNDINGS) * FLUSH;
  const out = new Float64Array(magnitudes.length);
  for (let i = 0; i < out.length; i++) out[i] = againstTap(factor * magnitudes[i]! + flushes, values[i]!);
  return out;
}

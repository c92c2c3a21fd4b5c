import { additions, gamma, PRODUCT_ROUNDINGS, type SumOrder } from '../../base/f32-error';
import { againstCapture, FLUSH } from '../rounding';

/**
 * Largest error of y_i = sum_j w_ij x_j in f32, fused or not: gamma_{a+6} B_i + 2 (n + 6) flushes, a the additions that a term can pass through.
 * @param values the exact y
 * @param magnitudes B or more, as `src/cpu/kernels/magnitudes.ts` sums it, same layout
 * @param n row length
 */
export function matmulBound(
  values: ArrayLike<number>,
  magnitudes: Float64Array,
  n: number,
  order: SumOrder = 'any',
): Float64Array<ArrayBuffer> {
  const factor = gamma(additions(n, order) + PRODUCT_ROUNDINGS);
  const flushes = 2 * (n + PRODUCT_ROUNDINGS) * FLUSH;
  const out = new Float64Array(magnitudes.length);
  for (let i = 0; i < out.length; i++) out[i] = againstCapture(factor * magnitudes[i]! + flushes, values[i]!);
  return out;
}

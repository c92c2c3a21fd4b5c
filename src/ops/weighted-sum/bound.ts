import { gamma } from '../../base/f32-error';
import { againstCapture, FLUSH, TINY } from '../rounding';

/** Both inputs rounded (1), the product (1), the reference's f64 (under 1). */
const EXTRA_ROUNDINGS = 3;

/** Largest errors of {@link weightedSum}: gamma_{k+3} sum_s |w_s y_s|. @param values the exact sums (nTokens, n) */
export function weightedSumBound(
  weights: Float64Array,
  y: Float64Array,
  values: Float64Array,
  nTokens: number,
  k: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const factor = gamma(k + EXTRA_ROUNDINGS);
  const flushes = 2 * (k + EXTRA_ROUNDINGS) * FLUSH;
  const out = new Float64Array(nTokens * n);
  for (let t = 0; t < nTokens; t++) {
    for (let d = 0; d < n; d++) {
      let magnitude = 0;
      for (let s = 0; s < k; s++) {
        magnitude += (Math.abs(weights[t * k + s]!) + TINY) * (Math.abs(y[(t * k + s) * n + d]!) + TINY);
      }
      out[t * n + d] = againstCapture(factor * magnitude + flushes, values[t * n + d]!);
    }
  }
  return out;
}

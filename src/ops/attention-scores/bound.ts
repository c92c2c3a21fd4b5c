import { gamma } from '../../base/f32-error';
import { againstCapture, FLUSH, TINY } from '../rounding';

/** Both inputs rounded (1), the product (1), the scale's own rounding and its product or division (4), the reference's f64 (under 1). */
const SCORE_ROUNDINGS = 7;
/** The loops below run for every pair of positions: a module's own constant is read fastest, whatever the bundler makes of an import. */
const EXTRA = TINY;

/**
 * Largest error of q . k / divisor: gamma_{headDim+7} sum_d |q_d k_d| / divisor.
 * @param q the query head starts at `qAt`
 * @param keys the key head starts at `kAt`
 */
export function scoreBound(
  q: Float64Array,
  qAt: number,
  keys: Float64Array,
  kAt: number,
  headDim: number,
  divisor = Math.sqrt(headDim),
): number {
  let magnitude = 0;
  let sum = 0;
  for (let d = 0; d < headDim; d++) {
    magnitude += (Math.abs(q[qAt + d]!) + EXTRA) * (Math.abs(keys[kAt + d]!) + EXTRA);
    sum += q[qAt + d]! * keys[kAt + d]!;
  }
  const flushes = 2 * (headDim + SCORE_ROUNDINGS) * FLUSH;
  return againstCapture((gamma(headDim + SCORE_ROUNDINGS) * magnitude) / divisor + flushes, sum / divisor);
}

import { gamma } from '../../base/f32-error';
import { againstTap, FLUSH, TINY } from './rounding';

/** Both inputs rounded (1), the product (1), the scale's own rounding and its product or division (4), the reference's f64 (under 1). */
const SCORE_ROUNDINGS = 7;
/** Both inputs rounded (1), the product (1), the reference's f64 (under 1). */
const VALUE_ROUNDINGS = 3;
/** The loops below run for every pair of positions: a module's own constant is read fastest, whatever the bundler makes of an import. */
const EXTRA = TINY;

/**
 * Largest error of q . k / sqrt(headDim): gamma_{headDim+7} sum_d |q_d k_d| / sqrt(headDim).
 * @param q the query head starts at `qAt`
 * @param keys the key head starts at `kAt`
 */
export function scoreBound(q: Float64Array, qAt: number, keys: Float64Array, kAt: number, headDim: number): number {
  let magnitude = 0;
  let sum = 0;
  for (let d = 0; d < headDim; d++) {
    magnitude += (Math.abs(q[qAt + d]!) + EXTRA) * (Math.abs(keys[kAt + d]!) + EXTRA);
    sum += q[qAt + d]! * keys[kAt + d]!;
  }
  const root = Math.sqrt(headDim);
  const flushes = 2 * (headDim + SCORE_ROUNDINGS) * FLUSH;
  return againstTap((gamma(headDim + SCORE_ROUNDINGS) * magnitude) / root + flushes, sum / root);
}

/**
 * Largest errors of one head's weighted sum of values: gamma_{nKeys+3} sum_k p_k |v_k|.
 * @param weights softmax of one head and query at 0, `visible` keys
 * @param values (positions, stride); the head's channels start at `channel`
 * @param nKeys keys that a kernel may add, hidden ones with weight 0 included
 * @param exact the exact outputs, at `at`; `out` receives the bounds there
 */
export function valueBounds(
  weights: Float64Array,
  visible: number,
  nKeys: number,
  values: Float64Array,
  channel: number,
  stride: number,
  headDim: number,
  exact: Float64Array,
  out: Float64Array,
  at: number,
): void {
  const factor = gamma(nKeys + VALUE_ROUNDINGS);
  const flushes = 2 * (nKeys + VALUE_ROUNDINGS) * FLUSH;
  out.fill(0, at, at + headDim);
  for (let k = 0; k < visible; k++) {
    const weight = weights[k]! + EXTRA;
    const from = k * stride + channel;
    for (let d = 0; d < headDim; d++) out[at + d]! += weight * (Math.abs(values[from + d]!) + EXTRA);
  }
  for (let d = 0; d < headDim; d++) out[at + d] = againstTap(factor * out[at + d]! + flushes, exact[at + d]!);
}

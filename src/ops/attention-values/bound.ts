import { gamma } from '../../base/f32-error';
import { againstCapture, FLUSH, TINY } from '../rounding';

/** Both inputs rounded (1), the product (1), the reference's f64 (under 1). */
const VALUE_ROUNDINGS = 3;
/** The loops below run for every pair of positions: a module's own constant is read fastest, whatever the bundler makes of an import. */
const EXTRA = TINY;

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
  for (let d = 0; d < headDim; d++) out[at + d] = againstCapture(factor * out[at + d]! + flushes, exact[at + d]!);
}

import { gamma, UNIT } from '../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, TINY } from '../ops/rounding';

/** Both inputs rounded (1), the product (1), the reference's f64 (under 1): as in src/ops/attention-values/bound.ts. */
const VALUE_ROUNDINGS = 3;
/** What one rescaling of a running sum costs beside its exponent's own ULPs: exp 3 ULP, the product 1, the subtraction 1. */
const RESCALE_ROUNDINGS = 5;

/** A softmax whose scores are known up to an error, and the relative error of each of its weights. */
export interface ErringSoftmax {
  readonly weights: Float64Array<ArrayBuffer>;
  /** Of a kernel's weight before the division by the sum: its exponential. */
  readonly exponentials: Float64Array<ArrayBuffer>;
  /** Of the sum. */
  readonly sum: number;
  /** Of a kernel's weight. */
  readonly relative: Float64Array<ArrayBuffer>;
  /** The largest score and the sum of exponentials. */
  readonly top: number;
  readonly total: number;
}

/** The scores that a softmax has: all NaN where one is NaN or +Infinity. */
export function spoiltWhole(scores: Float64Array): Float64Array {
  return scores.some((score) => Number.isNaN(score) || score === Infinity) ? scores.map(() => NaN) : scores;
}

/**
 * exp(z_k - m) / sum, and how far a kernel may be off that has its scores within `errors` (docs/selftest.md): the exponent is shifted by at
 * most the score's error and the subtraction's rounding, the maximum's own error cancels, and each rescaling of a running sum rounds anew.
 * @param rescales how often a running sum is rescaled; 0 where all keys meet the final maximum
 */
export function erringSoftmax(scores: Float64Array, errors: Float64Array, rescales = 0): ErringSoftmax {
  const n = scores.length;
  const top = scores.reduce((most, z) => Math.max(most, z), -Infinity);
  const topError = errors.reduce((most, e) => Math.max(most, e), 0);
  const exponentials = new Float64Array(n);
  const e = scores.map((z) => Math.exp(z - top));
  const total = e.reduce((sum, v) => sum + v, 0);
  const weights = e.map((v) => v / total);
  let weighted = 0;
  for (let k = 0; k < n; k++) {
    const z = Math.abs(scores[k]! - top) + errors[k]! + topError;
    const shift = errors[k]! + UNIT * z + FLUSH;
    exponentials[k] = Math.exp(shift) * (1 + compose(expError(z), gamma(RESCALE_ROUNDINGS * rescales))) - 1;
    if (weights[k]! > 0) weighted += weights[k]! * exponentials[k]!;
  }
  const sum = compose(weighted, gamma(n + 1 + rescales), n * FLUSH);
  const common = sum < 1 ? (1 + DIVISION) / (1 - sum) : Infinity;
  return { weights, exponentials, sum, relative: exponentials.map((own) => (1 + own) * common - 1), top, total };
}

/**
 * One channel of sum_k p_k v_k with its bound, p within `relative` of exact: sum_k p_k |v_k| ((1 + R_k) (1 + gamma_{n+3}) - 1).
 * @param value the channel of key k
 */
export function weightedValue(
  weights: Float64Array,
  relative: Float64Array,
  value: (key: number) => number,
): { readonly value: number; readonly bound: number } {
  const n = weights.length;
  const rounding = gamma(n + VALUE_ROUNDINGS);
  let sum = 0;
  let bound = 2 * (n + VALUE_ROUNDINGS) * FLUSH;
  for (let k = 0; k < n; k++) {
    const v = value(k);
    sum += weights[k]! * v;
    bound += (weights[k]! + TINY) * (Math.abs(v) + TINY) * compose(relative[k]!, rounding);
  }
  return { value: sum, bound: againstCapture(bound, sum) };
}

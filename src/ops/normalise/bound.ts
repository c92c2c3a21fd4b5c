import { MIN_WEIGHT_SUM } from '../../arch/operations';
import { gamma, HALF_UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, FLUSH, inputError } from '../rounding';

/**
 * Largest errors of {@link normalise} for one token: the sum of k positive terms errs by a relative gamma_{k+1} and the input
 * rounding, the clamp errs no more than what it is given, then one division.
 */
export function normaliseBound(
  p: Float64Array,
  at: number,
  experts: Uint32Array,
  expertsAt: number,
  k: number,
  out: Float64Array,
  outAt: number,
): void {
  let sum = 0;
  for (let s = 0; s < k; s++) sum += p[at + experts[expertsAt + s]!]!;
  const divisor = Math.max(sum, MIN_WEIGHT_SUM);
  const relative = ((1 + HALF_UNIT) * (1 + DIVISION)) / (1 - compose(HALF_UNIT, gamma(k + 1))) - 1;
  for (let s = 0; s < k; s++) {
    const w = p[at + experts[expertsAt + s]!]! / divisor;
    out[outAt + s] = againstCapture(relative * w + FLUSH * (4 + (2 * k + 2) / divisor), w);
  }
}

/** Largest errors of {@link gather}: the inputs' own roundings. */
export function gatherBound(
  p: Float64Array,
  at: number,
  experts: Uint32Array,
  expertsAt: number,
  k: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let s = 0; s < k; s++) {
    const w = p[at + experts[expertsAt + s]!]!;
    out[outAt + s] = againstCapture(inputError(w), w);
  }
}

import { gamma, HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, FLUSH } from '../rounding';

/** 1 / sqrt in WGSL: 2 ULP as inverseSqrt, 4.5 + 2.5 as a division by sqrt; one more for its own rounding of the argument. */
const INVERSE_SQRT = 8 * UNIT;
/** Two products, the dequantised weight (2), and the reference's own f64 (under 1). */
const OTHER_ROUNDINGS = 5;

/**
 * Partial sums that a kernel splits a long row into, at least; each is then summed, and the partial sums are joined one by one at worst.
 * Any parallel reduction does that. For the square of a long row it makes the bound some ten times tighter than one sequential sum, and
 * a wrong eps visible.
 */
const PARTIAL_SUMS = 64;

/**
 * Largest errors of one group of {@link rmsnorm}: y_i = x_i / sqrt(a) * w_i, a = mean(x^2) + eps.
 * All terms of the sum are positive, so a errs by a small relative e; its inverse square root by at most e (1 + e) / 2 for e below 0.3.
 * @param x the group starts at `at`
 * @param out receives the bounds at `outAt`
 */
export function rmsnormBound(
  x: Float64Array,
  at: number,
  weight: Float32Array,
  eps: number,
  out: Float64Array,
  outAt: number,
): void {
  const n = weight.length;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += x[at + i]! * x[at + i]!;
  const a = squares / n + eps;
  const scale = 1 / Math.sqrt(a);
  const additions = Math.min(n, Math.ceil(n / PARTIAL_SUMS) + PARTIAL_SUMS);
  // Squares (two input roundings, one product), the additions, division, + eps; flushed squares, sums and quotient count against a.
  const e = compose(HALF_UNIT, HALF_UNIT, gamma(additions + 2), DIVISION, (4 * FLUSH) / a);
  const sensitivity = e < 0.3 ? (e * (1 + e)) / 2 : Infinity;
  const relative = compose(sensitivity, INVERSE_SQRT, HALF_UNIT, OTHER_ROUNDINGS * UNIT);
  for (let i = 0; i < n; i++) {
    const w = Math.abs(weight[i]!);
    const y = x[at + i]! * scale * weight[i]!;
    const flushes = 4 * FLUSH * (1 + w) * (1 + scale) * (1 + Math.abs(x[at + i]!));
    out[outAt + i] = againstCapture(relative * Math.abs(y) + flushes, y);
  }
}

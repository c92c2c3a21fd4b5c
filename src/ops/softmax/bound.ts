import { gamma, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, inputError } from '../rounding';

/**
 * Largest errors of a softmax over x[at .. at + n), written at `outAt`. With m the maximum and z_k = x_k - m:
 * input rounding and the subtraction shift z_k by d_k, exp errs by (3 + 2 |z_k|) ULP, so e^z_k errs by a relative
 * E_k = e^d_k (1 + eps_k) - 1; the sum of positive terms by sum_k p_k E_k and n additions; then one division. m's own rounding is the
 * same in every term and cancels. Where inputs are so large that this says nothing, what is left is that one term of the sum is 1:
 * the kernel's p_k is at most e^(z_k + d_k), and at most 1.
 * @param rescales times that a running softmax multiplies what it has by e^(old maximum - new one): each is one more exp and one more product; their
 * arguments and that of the term itself add up to z_k
 * @param sink one more term of the sum
 */
export function softmaxBound(
  x: Float64Array,
  at: number,
  n: number,
  out: Float64Array,
  outAt: number,
  rescales = 0,
  sink = -Infinity,
): void {
  const running = (1 + RESCALE * UNIT) ** rescales;
  let max = sink;
  for (let k = 0; k < n; k++) if (x[at + k]! > max) max = x[at + k]!;
  let total = 0;
  let weighted = 0;
  for (let k = 0; k < n; k++) {
    const e = Math.exp(x[at + k]! - max);
    out[outAt + k] = e;
    total += e;
    // 0 * Infinity: a term that is nothing adds nothing to the sum's error but a flush, counted below.
    if (e !== 0) weighted += e * rescaled(exponentialError(x[at + k]!, max), running);
  }
  const terms = sink === -Infinity ? n : n + 1;
  if (terms > n) {
    const e = Math.exp(sink - max);
    total += e;
    if (e !== 0) weighted += e * rescaled(exponentialError(sink, max), running);
  }
  // The reference's own f64 is the + 1.
  const sumError = compose(weighted / total, gamma(terms + 1), (terms + rescales) * FLUSH);
  const common = sumError < 1 ? (1 + DIVISION) / (1 - sumError) : Infinity;
  for (let k = 0; k < n; k++) {
    const p = out[outAt + k]! / total;
    const relative = (1 + exponentialError(x[at + k]!, max)) * running * common - 1;
    const error = relative < 1 ? relative * p : Math.max(p, running * largest(x[at + k]!, max, terms));
    out[outAt + k] = againstCapture(error + (4 + terms + rescales) * FLUSH, p);
  }
}

/** Roundings of one change of a running maximum: exp's 3 that do not grow with its argument, and the product. */
const RESCALE = 4;

/** A relative error after the roundings of all rescales; as it was where there are none, because 1 + error - 1 loses bits. */
function rescaled(error: number, running: number): number {
  return running === 1 ? error : (1 + error) * running - 1;
}

/** How far the kernel's z = x - max can be from the exact one, given that its max is off too. */
function argumentSize(x: number, max: number): number {
  return Math.abs(x - max) + inputError(x) + inputError(max);
}

/** Relative error of the kernel's e^(x - max). */
function exponentialError(x: number, max: number): number {
  const z = argumentSize(x, max);
  const shift = inputError(x) + UNIT * z + FLUSH;
  // e^s - 1 <= s + s^2 up to 1: cheaper than exp, and this runs for every score.
  const grown = shift <= 1 ? shift + shift * shift : Math.exp(shift) - 1;
  const eps = expError(z);
  return grown + eps + grown * eps;
}

/** The largest value that the kernel's p can have. */
function largest(x: number, max: number, n: number): number {
  const z = argumentSize(x, max);
  const shift = inputError(x) + inputError(max) + UNIT * z;
  return Math.exp(Math.min(0, x - max + shift)) * (1 + compose(expError(z), gamma(n + 8)));
}

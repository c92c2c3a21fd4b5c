import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, inputError } from '../rounding';

/** 1 + e, a product in front of the division, the product with `up`, and the reference's own f64. */
const OTHER_ROUNDINGS = 5;
/** Above this |gate| exp overflows or is flushed in f32, and WGSL says no more about the division: silu may come out as 0. ln 2^126. */
const FAR = 87.3;

/**
 * Largest errors of {@link swiglu}. e = exp(-g) errs by a relative E = e^(input error) (1 + (3 + 2 |g|) u) - 1; both g / (1 + e) and
 * g e' / (1 + e') with e' = exp(g) then err by at most E sigma(-g) / (1 - E), because the same e stands above and below.
 */
export function swigluBound(gate: Float64Array, up: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(gate.length);
  for (let i = 0; i < out.length; i++) {
    const g = gate[i]!;
    const silu = g / (1 + Math.exp(-g));
    const y = silu * up[i]!;
    const error = Math.exp(inputError(g)) * (1 + expError(Math.abs(g) + inputError(g))) - 1;
    const sigmoidError = error < 1 ? error / (1 + Math.exp(g)) / (1 - error) : Infinity;
    // g < -FAR: the kernel's silu is somewhere between the exact one and 0.
    const relative = g < -FAR ? 1 : compose(sigmoidError, HALF_UNIT, HALF_UNIT, DIVISION, OTHER_ROUNDINGS * UNIT);
    const flushes = 4 * FLUSH * (1 + Math.abs(up[i]!)) * (1 + Math.abs(silu));
    out[i] = againstCapture(relative * Math.abs(y) + flushes, y);
  }
  return out;
}

import { UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, inputError } from '../rounding';

/** 1 + e, and the reference's own f64. */
const OTHER_ROUNDINGS = 2;
/** Above this |x| exp overflows or is flushed in f32, and WGSL says no more about the division: the result may be 0. ln 2^126. */
const FAR = 87.3;

/**
 * Largest errors of {@link sigmoid}, as those of SwiGLU's: with e = exp(x) that errs by a relative E = e^(input error) (1 + (3 + 2 |x|) u) - 1,
 * e / (1 + e) errs by at most E sigma(-x) / (1 - E), because the same e stands above and below.
 */
export function sigmoidBound(x: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value) => {
    const y = 1 / (1 + Math.exp(-value));
    const error = Math.exp(inputError(value)) * (1 + expError(Math.abs(value) + inputError(value))) - 1;
    const ofExp = error < 1 ? error / (1 + Math.exp(value)) / (1 - error) : Infinity;
    const relative = value < -FAR ? 1 : compose(ofExp, DIVISION, OTHER_ROUNDINGS * UNIT);
    return againstCapture(relative * y + 2 * FLUSH, y);
  });
}

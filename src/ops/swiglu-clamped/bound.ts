import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, inputError } from '../rounding';
import { cutOff, type Clamp } from './exact';

/** 1 + e, a product in front of the division, and the reference's own f64. */
const OTHER_ROUNDINGS = 4;
/** Above this |alpha g| exp overflows or is flushed in f32, and WGSL says no more about the division: the gate may come out as 0. ln 2^126. */
const FAR = 87.3;

/**
 * Largest errors of {@link swigluClamped}, a product of two factors. The gate's errs as SwiGLU's does, with z = alpha g for its exponent: the
 * product alpha g is rounded too. u + 1 errs by what u was rounded by and by its own sum, which is no small part of it near u = -1. Cutting off
 * lengthens no error.
 */
export function swigluClampedBound(gate: Float64Array, up: Float64Array, clamp: Clamp): Float64Array<ArrayBuffer> {
  const { alpha, limit } = clamp;
  return Float64Array.from(gate, (raw, i) => {
    const { g, u } = cutOff(raw, up[i]!, clamp);
    const z = alpha * g;
    const silu = g / (1 + Math.exp(-z));
    const shift = alpha * inputError(g) + UNIT * Math.abs(z) + FLUSH;
    const error = Math.exp(shift) * (1 + expError(Math.abs(z) + shift)) - 1;
    const ofExp = error < 1 ? error / (1 + Math.exp(z)) / (1 - error) : Infinity;
    // z < -FAR: the kernel's factor is somewhere between the exact one and 0.
    const relative = z < -FAR ? 1 : compose(ofExp, HALF_UNIT, DIVISION, OTHER_ROUNDINGS * UNIT);
    const ofSum = inputError(u) * (1 + UNIT) + UNIT * Math.abs(u + 1);
    const y = silu * (u + 1);
    const ofFactors = Math.abs(silu) * (relative * Math.abs(u + 1) + (1 + relative) * ofSum);
    const flushes = 4 * FLUSH * (2 + limit) * (1 + Math.abs(silu));
    return againstCapture(ofFactors + UNIT * (Math.abs(y) + ofFactors) + flushes, y);
  });
}

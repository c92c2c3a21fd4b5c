import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, FLUSH, inputError } from '../rounding';

/** Largest errors of {@link scale}: the input's rounding, that of the factor to f32, and the product's. */
export function scaleBound(x: Float64Array, factor: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value) => {
    const y = value * factor;
    const ofInput = inputError(value) * Math.abs(factor);
    return againstCapture(ofInput * (1 + UNIT) + compose(HALF_UNIT, UNIT) * (Math.abs(y) + ofInput) + FLUSH, y);
  });
}

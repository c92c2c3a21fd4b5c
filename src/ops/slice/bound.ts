import { againstCapture, inputError } from '../rounding';

/** Largest errors of {@link slice}: nothing is computed; what is copied was rounded to f32. @param y the exact values */
export function sliceBound(y: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(y, (value) => againstCapture(inputError(value), value));
}

import { UNIT } from '../../base/f32-error';
import { againstCapture, inputError } from '../rounding';

/** Largest errors of {@link add}: the two inputs' roundings, carried through one addition. */
export function addBound(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) {
    const sum = a[i]! + b[i]!;
    const inputs = inputError(a[i]!) + inputError(b[i]!);
    out[i] = againstCapture(inputs * (1 + UNIT) + UNIT * Math.abs(sum), sum);
  }
  return out;
}

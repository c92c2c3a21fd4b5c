import { UNIT } from '../../base/f32-error';
import { againstCapture, FLUSH, inputError } from '../rounding';

/** Largest errors of {@link multiply}: the two inputs' roundings, carried through one product. */
export function multiplyBound(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const run = a.length / b.length;
  return Float64Array.from(a, (x, i) => {
    const factor = b[Math.floor(i / run)]!;
    const y = x * factor;
    const [ofX, ofFactor] = [inputError(x), inputError(factor)];
    const inputs = ofX * Math.abs(factor) + ofFactor * Math.abs(x) + ofX * ofFactor;
    return againstCapture(inputs * (1 + UNIT) + UNIT * Math.abs(y) + FLUSH, y);
  });
}

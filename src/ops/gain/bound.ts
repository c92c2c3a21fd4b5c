import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, FLUSH, inputError } from '../rounding';

/** Largest errors of {@link gain}: the roundings of the input and of a weight that is no f32, and one product. */
export function gainBound(x: Float64Array, weight: Float32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value, i) => {
    const w = weight[i % weight.length]!;
    const y = value * w;
    const [ofX, ofW] = [inputError(value), HALF_UNIT * Math.abs(w) + FLUSH];
    const inputs = ofX * Math.abs(w) + ofW * Math.abs(value) + ofX * ofW;
    return againstCapture(inputs * (1 + UNIT) + UNIT * Math.abs(y) + FLUSH, y);
  });
}

import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, DIVISION, expError, FLUSH, inputError } from '../rounding';

/** Of log(1 + e) as 2 atanh(z), z = e / (2 + e): 2 + e, seven terms of a sum that falls by nine from term to term, z^2, and the last product. */
const SERIES_ROUNDINGS = 12;
/** What the eighth term and those behind it would add, z at most 1/3: (1/9)^7 / 15 / (1 - 1/9). */
const SERIES_REST = 9 ** -7 / 15 / (1 - 1 / 9);

/**
 * Largest errors of {@link softplus} = max(v, 0) + log(1 + e) with v = x + bias and e = exp(-|v|). What v errs by moves the result by
 * sigma(v) times as much at most, to first order, and by no more than all of it; exp's error E moves log(1 + e) by at most E e / (1 + e), which
 * is below E log(1 + e).
 */
export function softplusBound(x: Float64Array, bias: Float32Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (value, i) => {
    const shift = bias[i % bias.length]!;
    const v = value + shift;
    const e = Math.exp(-Math.abs(v));
    const log = Math.log1p(e);
    const y = Math.max(v, 0) + log;
    const ofSum = inputError(value) + HALF_UNIT * Math.abs(shift) + FLUSH + UNIT * Math.abs(v);
    const slope = Math.min(1, (1 / (1 + Math.exp(-v))) * Math.exp(ofSum));
    const ofLog = compose(expError(Math.abs(v) + ofSum), DIVISION, SERIES_ROUNDINGS * UNIT, SERIES_REST) * log;
    return againstCapture(ofSum * slope + ofLog + UNIT * Math.abs(y) + 4 * FLUSH, y);
  });
}

import { gamma } from '../../base/f32-error';
import { againstCapture, FLUSH, TINY } from '../rounding';
import { conv1d, type Earlier } from './exact';

/** Both factors rounded (2), the product (1), and the reference's own f64 (under 1). */
const OTHER_ROUNDINGS = 4;

/** Largest errors of a row of {@link conv1d}: gamma_{K + 4} sum_j |w_j x_j|. */
export function conv1dBound(earlier: Earlier, weight: Float32Array, channels: number): Float64Array<ArrayBuffer> {
  const taps = weight.length / channels;
  const [sums, exact] = [new Float64Array(channels), new Float64Array(channels)];
  conv1d(
    (back) => earlier(back)?.map((x) => Math.abs(x) + TINY),
    weight.map((w) => Math.abs(w) + TINY),
    channels,
    sums,
    0,
  );
  conv1d(earlier, weight, channels, exact, 0);
  const terms = taps + OTHER_ROUNDINGS;
  return sums.map((sum, c) => againstCapture(gamma(terms) * sum + 2 * terms * FLUSH, exact[c]!));
}

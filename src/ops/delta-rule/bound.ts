import { gamma, HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, expError, FLUSH, inputError } from '../rounding';
import type { DeltaShape, DeltaToken } from './exact';

/**
 * Largest errors of one token's {@link deltaRule} from an f32 state. With a = e^decay M, p = sum a k, x = v - p, d = x beta:
 * - e^decay errs by a relative E: its argument's rounding and exp's own; a by A = E, M's rounding and a product;
 * - p by (A, k's rounding, gamma_n of products and sums in any order) sum |a k|;
 * - x by v's rounding, p's error and a subtraction; d by x's error times |beta|, beta's rounding and a product;
 * - a + d k by a's error, d's error times |k|, k's rounding and a product, and a sum.
 * @param before the state before, (nHeadV, m, n)
 */
export function deltaRuleBound(
  { nHeadK, nHeadV, n, m }: DeltaShape,
  { k, v, decay, beta }: DeltaToken,
  before: Float64Array,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(before.length);
  const product = compose(HALF_UNIT, UNIT);
  for (let h = 0; h < nHeadV; h++) {
    const kAt = (h % nHeadK) * n;
    const [log, write] = [decay[h]!, beta[h]!];
    const keep = Math.exp(log);
    const ofLog = inputError(log);
    const ofKeep = compose(Math.expm1(ofLog), expError(Math.abs(log) + ofLog));
    const ofA = compose(ofKeep, HALF_UNIT, UNIT);
    const ofTerms = compose(ofA, HALF_UNIT, gamma(n));
    for (let i = 0; i < m; i++) {
      const at = (h * m + i) * n;
      let [known, sum, keys] = [0, 0, 0];
      for (let j = 0; j < n; j++) {
        const term = keep * before[at + j]! * k[kAt + j]!;
        known += term;
        sum += Math.abs(term);
        keys += Math.abs(k[kAt + j]!);
      }
      const x = v[h * m + i]! - known;
      const change = x * write;
      // A flushed state or product costs FLUSH, times the key it meets.
      const ofKnown = ofTerms * sum + 4 * FLUSH * (n + keys);
      const ofX = (inputError(v[h * m + i]!) + ofKnown) * (1 + UNIT) + UNIT * Math.abs(x) + FLUSH;
      const ofBeta = inputError(write);
      const ofChange =
        (ofX * (Math.abs(write) + ofBeta) + ofBeta * Math.abs(x)) * (1 + UNIT) + UNIT * Math.abs(change) + FLUSH;
      for (let j = 0; j < n; j++) {
        const key = Math.abs(k[kAt + j]!);
        const a = keep * before[at + j]!;
        const y = a + change * k[kAt + j]!;
        const ofKey = inputError(k[kAt + j]!);
        const ofProduct =
          (ofChange * (key + ofKey) + ofKey * Math.abs(change)) * (1 + UNIT) + product * Math.abs(change) * key;
        const ofParts = ofA * Math.abs(a) + ofProduct + 4 * FLUSH;
        out[at + j] = againstCapture(ofParts * (1 + UNIT) + UNIT * Math.abs(y), y);
      }
    }
  }
  return out;
}

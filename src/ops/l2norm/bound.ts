import { rmsnormBound } from '../rmsnorm/bound';

/**
 * Largest errors of {@link l2norm}, which is RMSNorm with the weight 1 / sqrt(n) and eps / n: x / sqrt(n a) = x / sqrt(sum(x^2) + eps) with
 * a = mean(x^2) + eps / n. Both take the same sums and one root; RMSNorm's bound has the rounding of a weight and the division of the mean
 * besides.
 */
export function l2normBound(x: Float64Array, n: number, eps: number, times: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(x.length * times);
  const weight = new Float32Array(n).fill(1 / Math.sqrt(n));
  for (let at = 0; at < x.length; at += n) {
    rmsnormBound(x, at, weight, eps / n, out, at * times);
    for (let copy = 1; copy < times; copy++) out.copyWithin(at * times + copy * n, at * times, at * times + n);
  }
  return out;
}

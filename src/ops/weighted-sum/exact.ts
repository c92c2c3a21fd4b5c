/** out[t][d] = sum over slots in ascending order of weights[t][s] * y[t][s][d]. @param y (nTokens, k, n) @param weights (nTokens, k) */
export function weightedSum(
  weights: Float64Array,
  y: Float64Array,
  nTokens: number,
  k: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(nTokens * n);
  for (let t = 0; t < nTokens; t++) {
    for (let s = 0; s < k; s++) {
      const weight = weights[t * k + s]!;
      const from = (t * k + s) * n;
      for (let d = 0; d < n; d++) out[t * n + d]! += weight * y[from + d]!;
    }
  }
  return out;
}

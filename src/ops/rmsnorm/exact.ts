/**
 * out_i = x_i / sqrt(mean(x^2) + eps) * weight_i over `n` channels that start at `at` in `x`; written at `outAt`.
 * Zhang and Sennrich, Root Mean Square Layer Normalization (2019).
 * @returns sum(x^2)
 */
export function rmsnorm(
  x: Float64Array,
  at: number,
  weight: Float32Array,
  eps: number,
  out: Float64Array,
  outAt: number,
): number {
  const n = weight.length;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += x[at + i]! * x[at + i]!;
  const scale = 1 / Math.sqrt(squares / n + eps);
  for (let i = 0; i < n; i++) out[outAt + i] = x[at + i]! * scale * weight[i]!;
  return squares;
}

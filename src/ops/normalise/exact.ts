import { MIN_WEIGHT_SUM } from '../../arch/operations';

/** out_s = p[experts_s] / max(sum_s p[experts_s], 2^-14) for one token's `k` chosen experts, in slot order. NaN stays NaN. */
export function normalise(
  p: Float64Array,
  at: number,
  experts: Uint32Array,
  expertsAt: number,
  k: number,
  out: Float64Array,
  outAt: number,
): void {
  let sum = 0;
  for (let s = 0; s < k; s++) sum += p[at + experts[expertsAt + s]!]!;
  const divisor = Math.max(sum, MIN_WEIGHT_SUM);
  for (let s = 0; s < k; s++) out[outAt + s] = p[at + experts[expertsAt + s]!]! / divisor;
}

/** out_s = p[experts_s]: the weights as they are. */
export function gather(
  p: Float64Array,
  at: number,
  experts: Uint32Array,
  expertsAt: number,
  k: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let s = 0; s < k; s++) out[outAt + s] = p[at + experts[expertsAt + s]!]!;
}

import type { DeltaShape } from '../delta-rule/exact';

/** One token's M q / divisor, (nHeadV, m). @param state (nHeadV, m, n) @param q (nHeadK, n) */
export function deltaRead(
  { nHeadK, nHeadV, n, m }: DeltaShape,
  state: Float64Array,
  q: Float64Array,
  divisor: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let h = 0; h < nHeadV; h++) {
    const qAt = (h % nHeadK) * n;
    for (let i = 0; i < m; i++) {
      const at = (h * m + i) * n;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += state[at + j]! * q[qAt + j]!;
      out[outAt + h * m + i] = sum / divisor;
    }
  }
}

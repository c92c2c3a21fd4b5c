/** Sizes of a recurrence: heads of keys and of values, channels of a head of each. */
export interface DeltaShape {
  readonly nHeadK: number;
  readonly nHeadV: number;
  /** Channels of a key: columns of a state. */
  readonly n: number;
  /** Channels of a value: rows of a state. */
  readonly m: number;
}

/** One token's inputs. */
export interface DeltaToken {
  /** (nHeadK, n) */
  readonly k: Float64Array;
  /** (nHeadV, m) */
  readonly v: Float64Array;
  /** (nHeadV): logarithm of the decay, and how much of the difference is written. */
  readonly decay: Float64Array;
  readonly beta: Float64Array;
}

/**
 * One token's step in place: M <- e^decay M, then M <- M + (v - M k) beta k^T for each head of v, which has head h % nHeadK of k.
 * @param state (nHeadV, m, n)
 */
export function deltaRule(
  { nHeadK, nHeadV, n, m }: DeltaShape,
  { k, v, decay, beta }: DeltaToken,
  state: Float64Array,
): void {
  for (let h = 0; h < nHeadV; h++) {
    const kAt = (h % nHeadK) * n;
    const keep = Math.exp(decay[h]!);
    for (let i = 0; i < m; i++) {
      const at = (h * m + i) * n;
      let known = 0;
      for (let j = 0; j < n; j++) {
        state[at + j]! *= keep;
        known += state[at + j]! * k[kAt + j]!;
      }
      const change = (v[h * m + i]! - known) * beta[h]!;
      for (let j = 0; j < n; j++) state[at + j]! += change * k[kAt + j]!;
    }
  }
}

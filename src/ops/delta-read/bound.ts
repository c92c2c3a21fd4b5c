import { scoreBound } from '../attention-scores/bound';
import type { DeltaShape } from '../delta-rule/exact';

/** Largest errors of {@link deltaRead}: those of a score, with a row of the state for the key. */
export function deltaReadBound(
  { nHeadK, nHeadV, n, m }: DeltaShape,
  state: Float64Array,
  q: Float64Array,
  divisor: number,
): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: nHeadV * m }, (_, row) => {
    const head = Math.floor(row / m) % nHeadK;
    return scoreBound(q, head * n, state, row * n, n, divisor);
  });
}

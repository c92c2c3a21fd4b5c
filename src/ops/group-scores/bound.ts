import { UNIT } from '../../base/f32-error';
import { againstCapture, inputError } from '../rounding';

/**
 * Largest errors of {@link groupScores}. Neither of a group's two largest moves further than its inputs do, whichever of them they are then;
 * one addition follows.
 * @param y the exact values
 */
export function groupScoresBound(x: Float64Array, size: number, y: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(y.length);
  for (let group = 0; group < out.length; group++) {
    let moved = 0;
    for (let i = group * size; i < (group + 1) * size; i++) moved = Math.max(moved, inputError(x[i]!));
    const sum = y[group]!;
    out[group] = againstCapture(2 * moved * (1 + UNIT) + UNIT * Math.abs(sum), sum);
  }
  return out;
}

import { plural } from '../../base/format';
import { weightedSumBound } from './bound';
import { weightedSum } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { WEIGHTED_SUM } from './kernel';

function weightedSumCase([tokens, rowLength, nUsed]: readonly [number, number, number]): SelftestCase {
  const shape = `${plural(tokens, 'token')} of ${rowLength}, ${plural(nUsed, 'slot')}`;
  return plainCase(WEIGHTED_SUM, shape, () => {
    const weights = inputValues('normal', tokens * nUsed, 5);
    const x = inputValues('normal', tokens * nUsed * rowLength, 6);
    const count = tokens * rowLength;
    const y = weightedSum(wide(weights), wide(x), tokens, nUsed, rowLength);
    const bound = weightedSumBound(wide(weights), wide(x), y, tokens, nUsed, rowLength);
    return laneWork({ weights, x }, 'y', expectFloats(y, bound), { count, rowLength, nUsed }, count);
  });
}

const SHAPES = [
  [1, 1, 1],
  [3, 67, 2],
  [5, 64, 8],
  [2, 300, 3],
  [2, 2048, 3],
] as const;

export const WEIGHTED_SUM_CASES: readonly SelftestCase[] = SHAPES.map(weightedSumCase);

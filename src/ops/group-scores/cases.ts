import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { groupScoresBound } from './bound';
import { groupScores } from './exact';
import { GROUP_SCORES } from './kernel';

function scoresCase(groups: number, size: number, name: string, make: () => Float32Array<ArrayBuffer>): SelftestCase {
  return plainCase(GROUP_SCORES, `${plural(groups, 'group')} of ${size}, ${name}`, () => {
    const x = make();
    const values = groupScores(wide(x), size);
    const scores = expectFloats(values, groupScoresBound(wide(x), size, values));
    return laneWork({ x }, 'scores', scores, { count: groups, size }, groups);
  });
}

const ofKind = (groups: number, size: number, kind: InputKind): SelftestCase =>
  scoresCase(groups, size, kind, () => inputValues(kind, groups * size, 13));

/** The largest first, last, twice, and below zero. */
const PLACES = (): Float32Array<ArrayBuffer> => Float32Array.of(5, 1, 2, 1, 2, 5, 3, 3, 1, -3, -1, -2);

export const GROUP_SCORES_CASES: readonly SelftestCase[] = [
  ...KINDS.flatMap((kind) => [ofKind(1, 2, kind), ofKind(4, 3, kind), ofKind(65, 32, kind)]),
  ofKind(3, 997, 'normal'),
  scoresCase(4, 3, 'the largest in every place', PLACES),
  scoresCase(3, 2, 'one of them a NaN', () => Float32Array.of(1, 2, NaN, 3, 4, 5)),
];

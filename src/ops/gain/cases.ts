import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { gainBound } from './bound';
import { gain } from './exact';
import { GAIN } from './kernel';

function gainCase(rows: number, width: number, kind: InputKind): SelftestCase {
  return plainCase(GAIN, `${plural(rows, 'row')} of ${width}, ${kind}`, () => {
    const [x, weight] = [inputValues(kind, rows * width, 1), inputValues(kind, width, 2)];
    const y = expectFloats(gain(wide(x), weight), gainBound(wide(x), weight));
    return laneWork({ x, weight }, 'y', y, { count: rows * width, width }, rows * width);
  });
}

export const GAIN_CASES: readonly SelftestCase[] = KINDS.flatMap((kind) => [
  ...COUNTS.map((count) => gainCase(1, count, kind)),
  gainCase(5, 13, kind),
  gainCase(65, 2, kind),
]);

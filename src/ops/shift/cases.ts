import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { shiftBound } from './bound';
import { shift } from './exact';
import { SHIFT } from './kernel';

function shiftCase(rows: number, width: number, kind: InputKind): SelftestCase {
  return plainCase(SHIFT, `${plural(rows, 'row')} of ${width}, ${kind}`, () => {
    const [x, weight] = [inputValues(kind, rows * width, 1), inputValues(kind, width, 2)];
    const y = expectFloats(shift(wide(x), weight), shiftBound(wide(x), weight));
    return laneWork({ x, weight }, 'y', y, { count: rows * width, width }, rows * width);
  });
}

export const SHIFT_CASES: readonly SelftestCase[] = KINDS.flatMap((kind) => [
  ...COUNTS.map((count) => shiftCase(1, count, kind)),
  shiftCase(5, 13, kind),
  shiftCase(65, 2, kind),
]);

import { plural } from '../../base/format';
import { addBound } from './bound';
import { add } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { ADD } from './kernel';

function addCase(count: number, kind: InputKind): SelftestCase {
  return plainCase(ADD, `${plural(count, 'value')}, ${kind}`, () => {
    const [a, b] = [inputValues(kind, count, 1), inputValues(kind, count, 2)];
    const y = expectFloats(add(wide(a), wide(b)), addBound(wide(a), wide(b)));
    return laneWork({ a, b }, 'y', y, { count }, count);
  });
}

export const ADD_CASES: readonly SelftestCase[] = COUNTS.flatMap((count) => KINDS.map((kind) => addCase(count, kind)));

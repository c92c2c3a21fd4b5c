import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { multiplyBound } from './bound';
import { multiply } from './exact';
import { MULTIPLY } from './kernel';

function multiplyCase(rows: number, run: number, kind: InputKind): SelftestCase {
  const each = run === 1 ? 'a factor each' : `a factor for each ${run}`;
  return plainCase(MULTIPLY, `${plural(rows * run, 'value')}, ${each}, ${kind}`, () => {
    const [a, b] = [inputValues(kind, rows * run, 1), inputValues(kind, rows, 2)];
    const y = expectFloats(multiply(wide(a), wide(b)), multiplyBound(wide(a), wide(b)));
    return laneWork({ a, b }, 'y', y, { count: rows * run, run }, rows * run);
  });
}

export const MULTIPLY_CASES: readonly SelftestCase[] = KINDS.flatMap((kind) => [
  ...COUNTS.map((count) => multiplyCase(count, 1, kind)),
  multiplyCase(1, 65, kind),
  multiplyCase(5, 96, kind),
  multiplyCase(7, 131, kind),
]);

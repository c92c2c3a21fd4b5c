import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { sigmoidBound } from './bound';
import { sigmoid } from './exact';
import { SIGMOID } from './kernel';

/** Inputs of `large` values: where exp is used over its range, and no further. */
const LARGE = 40;

function sigmoidCase(count: number, kind: InputKind): SelftestCase {
  return plainCase(SIGMOID, `${plural(count, 'value')}, ${kind}`, () => {
    const values =
      kind === 'large' ? inputValues('normal', count, 5).map((x) => LARGE * x) : inputValues(kind, count, 5);
    return sigmoidWork(values);
  });
}

/** Where exp overflows or vanishes. */
const ENDS = plainCase(SIGMOID, 'values at the ends of exp', () =>
  sigmoidWork(Float32Array.of(-1e30, -500, -104, -88, -87, -20, -1e-30, 0, -0, 1e-30, 20, 87, 88, 500, 1e30)),
);

function sigmoidWork(x: Float32Array<ArrayBuffer>): CaseWork {
  const y = expectFloats(sigmoid(wide(x)), sigmoidBound(wide(x)));
  return laneWork({ x }, 'y', y, { count: x.length }, x.length);
}

export const SIGMOID_CASES: readonly SelftestCase[] = [
  ...COUNTS.flatMap((count) => KINDS.map((kind) => sigmoidCase(count, kind))),
  ENDS,
];

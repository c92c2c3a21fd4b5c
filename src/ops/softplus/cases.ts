import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { softplusBound } from './bound';
import { softplus } from './exact';
import { SOFTPLUS } from './kernel';

/** Inputs of `large` values: where exp is used over its range, and no further. */
const LARGE = 40;

function softplusCase(rows: number, width: number, kind: InputKind): SelftestCase {
  return plainCase(SOFTPLUS, `${plural(rows, 'row')} of ${width}, ${kind}`, () => {
    const values = (seed: number, count: number): Float32Array<ArrayBuffer> =>
      kind === 'large' ? inputValues('normal', count, seed).map((x) => LARGE * x) : inputValues(kind, count, seed);
    return softplusWork(values(5, rows * width), values(6, width));
  });
}

/** Where exp overflows or vanishes, and where the result is all that exp leaves. */
const ENDS = plainCase(SOFTPLUS, 'values at the ends of exp', () =>
  softplusWork(
    Float32Array.of(-1e30, -500, -104, -88, -87, -40, -20, -10, -3, -1, 0, -0, 1e-30, 1, 3, 20, 87, 88, 500, 1e30),
    Float32Array.of(0),
  ),
);

function softplusWork(x: Float32Array<ArrayBuffer>, bias: Float32Array<ArrayBuffer>): CaseWork {
  const y = expectFloats(softplus(wide(x), bias), softplusBound(wide(x), bias));
  return laneWork({ x, bias }, 'y', y, { count: x.length, width: bias.length }, x.length);
}

export const SOFTPLUS_CASES: readonly SelftestCase[] = [
  ...KINDS.flatMap((kind) => [
    ...COUNTS.map((count) => softplusCase(1, count, kind)),
    softplusCase(5, 13, kind),
    softplusCase(65, 2, kind),
  ]),
  ENDS,
];

import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { siluBound } from './bound';
import { silu } from './exact';
import { SILU } from './kernel';

/** Inputs of `large` values: where exp is used over its range, and no further. */
const LARGE = 40;

function siluCase(count: number, kind: InputKind): SelftestCase {
  return plainCase(SILU, `${plural(count, 'value')}, ${kind}`, () => {
    const values =
      kind === 'large' ? inputValues('normal', count, 5).map((x) => LARGE * x) : inputValues(kind, count, 5);
    return siluWork(values);
  });
}

/** Where exp overflows or vanishes. */
const ENDS = plainCase(SILU, 'values at the ends of exp', () =>
  siluWork(Float32Array.of(-1e30, -500, -104, -88, -87, -20, -1e-30, 0, -0, 1e-30, 20, 87, 88, 500, 1e30)),
);

function siluWork(x: Float32Array<ArrayBuffer>): CaseWork {
  const y = expectFloats(silu(wide(x)), siluBound(wide(x)));
  return laneWork({ x }, 'y', y, { count: x.length }, x.length);
}

export const SILU_CASES: readonly SelftestCase[] = [
  ...COUNTS.flatMap((count) => KINDS.map((kind) => siluCase(count, kind))),
  ENDS,
];

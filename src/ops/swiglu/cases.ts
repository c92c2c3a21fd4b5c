import { plural } from '../../base/format';
import { swigluBound } from './bound';
import { swiglu } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { SWIGLU } from './kernel';

/** Gates of `large` values: where exp is used over its range, and no further. */
const LARGE_GATE = 40;

function swigluCase(count: number, kind: InputKind): SelftestCase {
  return plainCase(SWIGLU, `${plural(count, 'value')}, ${kind}`, () => {
    const gate =
      kind === 'large' ? inputValues('normal', count, 3).map((g) => LARGE_GATE * g) : inputValues(kind, count, 3);
    return swigluWork(gate, inputValues(kind, count, 4));
  });
}

/** Where exp overflows, vanishes or leaves one factor alone. */
const ENDS = plainCase(SWIGLU, 'gates at the ends of exp', () => {
  const gate = Float32Array.of(-1e30, -500, -104, -88, -87, -20, -1e-30, 0, -0, 1e-30, 20, 87, 88, 500, 1e30);
  return swigluWork(gate, new Float32Array(gate.length).fill(1.5));
});

function swigluWork(gate: Float32Array<ArrayBuffer>, up: Float32Array<ArrayBuffer>): CaseWork {
  const count = gate.length;
  // g / (1 + exp(-g)) in f64 for g = -1e30 is -1e30 / Infinity: -0, as it should be.
  const y = expectFloats(swiglu(wide(gate), wide(up)), swigluBound(wide(gate), wide(up)));
  return laneWork({ gate, up }, 'y', y, { count }, count);
}

export const SWIGLU_CASES: readonly SelftestCase[] = [
  ...COUNTS.flatMap((count) => KINDS.map((kind) => swigluCase(count, kind))),
  ENDS,
];

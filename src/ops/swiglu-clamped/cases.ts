import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { swigluClampedBound } from './bound';
import { swigluClamped, type Clamp } from './exact';
import { SWIGLU_CLAMPED } from './kernel';

/** As gpt-oss has it, and one that cuts off sooner. */
const CLAMPS: readonly Clamp[] = [
  { alpha: Math.fround(1.702), limit: 7 },
  { alpha: 1, limit: 0.75 },
];
/** Gates of `large` values: where exp is used over its range, and no further. */
const LARGE = 40;
/** Values of `normal` reach the limits on either side. */
const WIDE = 4;

function clampedCase(count: number, kind: InputKind, clamp: Clamp): SelftestCase {
  const name = `${plural(count, 'value')}, ${kind}, alpha ${clamp.alpha.toPrecision(4)}, limit ${clamp.limit}`;
  return plainCase(SWIGLU_CLAMPED, name, () => {
    const values = (seed: number): Float32Array<ArrayBuffer> => {
      if (kind === 'normal') return inputValues('normal', count, seed).map((x) => WIDE * x);
      return kind === 'large'
        ? inputValues('normal', count, seed).map((x) => LARGE * x)
        : inputValues(kind, count, seed);
    };
    return clampedWork(values(3), values(4), clamp);
  });
}

const [OF_GPT_OSS] = CLAMPS;

/** Where exp overflows or vanishes, at the limits, and where u + 1 is next to nothing. */
const ENDS = plainCase(SWIGLU_CLAMPED, 'values at the ends of exp and at the limits', () => {
  const gate = Float32Array.of(-1e30, -500, -60, -52, -7, -1e-30, 0, -0, 1e-30, 6.9999995, 7, 7.000001, 500, Infinity);
  const up = Float32Array.of(1, -1, 7, -7, -1e30, 1e30, 3, 2, -1.0000001, -0.99999994, -7, 7.1, -Infinity, Infinity);
  return clampedWork(gate, up, OF_GPT_OSS ?? { alpha: 1, limit: 1 });
});

/** Cutting off must not make a number of what is none. */
const NOT_FINITE = plainCase(SWIGLU_CLAMPED, 'a NaN on either side', () =>
  clampedWork(Float32Array.of(NaN, 1, 9), Float32Array.of(1, NaN, NaN), OF_GPT_OSS ?? { alpha: 1, limit: 1 }),
);

function clampedWork(gate: Float32Array<ArrayBuffer>, up: Float32Array<ArrayBuffer>, clamp: Clamp): CaseWork {
  const count = gate.length;
  const exact = swigluClamped(wide(gate), wide(up), clamp);
  const bounds = swigluClampedBound(wide(gate), wide(up), clamp).map((bound, i) =>
    Number.isNaN(exact[i]) ? 0 : bound,
  );
  return laneWork({ gate, up }, 'y', expectFloats(exact, bounds), { count, ...clamp }, count);
}

export const SWIGLU_CLAMPED_CASES: readonly SelftestCase[] = [
  ...CLAMPS.flatMap((clamp) => COUNTS.flatMap((count) => KINDS.map((kind) => clampedCase(count, kind, clamp)))),
  ENDS,
  NOT_FINITE,
];

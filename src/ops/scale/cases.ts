import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { COUNTS, KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { scaleBound } from './bound';
import { scale } from './exact';
import { SCALE } from './kernel';

function scaleCase(count: number, factor: number, kind: InputKind): SelftestCase {
  return plainCase(SCALE, `${plural(count, 'value')} times ${factor}, ${kind}`, () => {
    const x = inputValues(kind, count, 6);
    const y = expectFloats(scale(wide(x), factor), scaleBound(wide(x), factor));
    return laneWork({ x }, 'y', y, { count, factor }, count);
  });
}

/** An embedding's, a residual's and one that no f32 is. */
const FACTORS = [12, 0.22, 1 / 3] as const;

export const SCALE_CASES: readonly SelftestCase[] = COUNTS.flatMap((count, i) =>
  KINDS.map((kind) => scaleCase(count, FACTORS[i % FACTORS.length] ?? 1, kind)),
);

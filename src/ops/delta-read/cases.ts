import { plural } from '../../base/format';
import type { DeltaShape } from '../delta-rule/exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { deltaReadBound } from './bound';
import { deltaRead } from './exact';
import { DELTA_READ } from './kernel';

function readCase(shape: DeltaShape, rows: number, kind: InputKind): SelftestCase {
  const { nHeadK, nHeadV, n, m } = shape;
  const heads = nHeadK === nHeadV ? plural(nHeadV, 'head') : `${nHeadK} heads of q, ${nHeadV} of v`;
  return plainCase(DELTA_READ, `${plural(rows, 'token')}, ${heads}, states of ${m} x ${n}, ${kind}`, () => {
    const [size, width] = [nHeadV * m * n, nHeadV * m];
    const state = inputValues(kind, rows * size, 1);
    const q = inputValues(kind, rows * nHeadK * n, 2);
    const divisor = Math.sqrt(n);
    const values = new Float64Array(rows * width);
    const bounds = new Float64Array(rows * width);
    for (let t = 0; t < rows; t++) {
      const own = wide(state.subarray(t * size, (t + 1) * size));
      const query = wide(q.subarray(t * nHeadK * n, (t + 1) * nHeadK * n));
      deltaRead(shape, own, query, divisor, values, t * width);
      bounds.set(deltaReadBound(shape, own, query, divisor), t * width);
    }
    const params = { count: rows * width, nHeadK, nHeadV, n, m, scale: 1 / divisor };
    return laneWork({ state, q }, 'y', expectFloats(values, bounds), params, rows * width);
  });
}

const SHAPES: readonly (readonly [shape: DeltaShape, rows: number])[] = [
  [{ nHeadK: 1, nHeadV: 1, n: 1, m: 1 }, 1],
  [{ nHeadK: 2, nHeadV: 4, n: 24, m: 24 }, 3],
  [{ nHeadK: 2, nHeadV: 6, n: 24, m: 24 }, 2],
  [{ nHeadK: 3, nHeadV: 3, n: 65, m: 7 }, 5],
  [{ nHeadK: 1, nHeadV: 2, n: 128, m: 33 }, 2],
];

export const DELTA_READ_CASES: readonly SelftestCase[] = SHAPES.flatMap(([shape, rows]) =>
  KINDS.map((kind) => readCase(shape, rows, kind)),
);

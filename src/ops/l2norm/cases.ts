import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { linearGrid } from '../kernel-grid';
import { l2normBound } from './bound';
import { l2norm } from './exact';
import { L2NORM } from './kernel';

interface NormShape {
  readonly rows: number;
  readonly rowLength: number;
  readonly times?: number;
  readonly kind?: InputKind;
  /** Multiplies x: small values make eps count. */
  readonly size?: number;
}

const NORM_EPS = 1e-6;

function normCase({ rows, rowLength, times = 1, kind = 'normal', size = 1 }: NormShape): SelftestCase {
  const copies = times === 1 ? '' : `, each ${times} times`;
  const name = `${plural(rows, 'head')} of ${rowLength}, ${size === 1 ? kind : `size ${size}, near eps`}${copies}`;
  return plainCase(L2NORM, name, () => {
    const x = inputValues(kind, rows * rowLength, 1).map((v) => size * v);
    // The kernel is told eps as an f32.
    const eps = Math.fround(NORM_EPS);
    const { values: y } = l2norm(wide(x), rowLength, eps, times);
    return {
      inputs: { x },
      outputs: { y: y.length },
      calls: [{ params: { rows, rowLength, times, eps }, grid: linearGrid(rows, 1) }],
      expected: { y: expectFloats(y, l2normBound(wide(x), rowLength, eps, times)) },
    };
  });
}

const SHAPES: readonly NormShape[] = [
  { rows: 1, rowLength: 1 },
  { rows: 1, rowLength: 1, kind: 'zero' },
  { rows: 3, rowLength: 2, times: 3 },
  { rows: 3, rowLength: 63 },
  { rows: 3, rowLength: 64, times: 2 },
  { rows: 3, rowLength: 65 },
  { rows: 2, rowLength: 128, kind: 'large' },
  { rows: 130, rowLength: 24, times: 2 },
  ...KINDS.map((kind) => ({ rows: 2, rowLength: 67, kind })),
  { rows: 1, rowLength: 64, size: 1e-4 },
];

export const L2NORM_CASES: readonly SelftestCase[] = SHAPES.map(normCase);

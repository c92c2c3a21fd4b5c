import { plural } from '../../base/format';
import { rmsnormBound } from './bound';
import { rmsnorm } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { linearGrid } from '../kernel-grid';
import { RMSNORM } from './kernel';

interface NormShape {
  readonly tokens: number;
  readonly rowLength: number;
  readonly kind?: InputKind;
  /** Heads of a token, where rows are heads inside wider rows. */
  readonly heads?: number;
  readonly xStride?: number;
  readonly xOffset?: number;
  /** Multiplies x: small values make eps count. */
  readonly size?: number;
}

const NORM_EPS = 1e-6;

function normCase(shape: NormShape): SelftestCase {
  const { tokens, rowLength, kind = 'normal', heads = 1, xStride = heads * rowLength, xOffset = 0, size = 1 } = shape;
  const place = xOffset > 0 ? `, ${heads} heads inside rows of ${xStride}` : '';
  const name = `${plural(tokens, 'row')} of ${rowLength}, ${size === 1 ? kind : `size ${size}, near eps`}${place}`;
  return plainCase(RMSNORM, name, () => {
    const x = inputValues(kind, tokens * xStride, 1).map((v) => size * v);
    const weight = inputValues('normal', rowLength, 2);
    const rows = tokens * heads;
    // The kernel is told eps as an f32.
    const eps = Math.fround(NORM_EPS);
    const y = new Float64Array(rows * rowLength);
    const bound = new Float64Array(y.length);
    for (let row = 0; row < rows; row++) {
      const from = Math.floor(row / heads) * xStride + xOffset + (row % heads) * rowLength;
      rmsnorm(wide(x), from, weight, eps, y, row * rowLength);
      rmsnormBound(wide(x), from, weight, eps, bound, row * rowLength);
    }
    const params = { rows, rowLength, rowsPerToken: heads, xStride, xOffset, eps };
    return {
      inputs: { x, weight },
      outputs: { y: y.length },
      calls: [{ params, grid: linearGrid(rows, 1) }],
      expected: { y: expectFloats(y, bound) },
    };
  });
}

const SHAPES: readonly NormShape[] = [
  { tokens: 1, rowLength: 1 },
  { tokens: 1, rowLength: 1, kind: 'zero' },
  { tokens: 3, rowLength: 2 },
  { tokens: 2, rowLength: 63, kind: 'large' },
  { tokens: 3, rowLength: 63 },
  { tokens: 3, rowLength: 64 },
  { tokens: 3, rowLength: 65 },
  { tokens: 3, rowLength: 127 },
  { tokens: 130, rowLength: 5 },
  { tokens: 3, rowLength: 2048 },
  ...KINDS.map((kind) => ({ tokens: 2, rowLength: 67, kind })),
  { tokens: 1, rowLength: 64, size: 1e-3 },
  { tokens: 4, rowLength: 10, heads: 3, xStride: 50, xOffset: 20 },
];

export const RMSNORM_CASES: readonly SelftestCase[] = SHAPES.map(normCase);

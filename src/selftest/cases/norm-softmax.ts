import { plural } from '../../base/format';
import { rmsnormBound } from '../../ops/rmsnorm/bound';
import { softmaxBound } from '../../ops/softmax/bound';
import { rmsnorm } from '../../ops/rmsnorm/exact';
import { softmax } from '../../ops/softmax/exact';
import { linearGrid } from '../../ops/kernel-grid';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { expectFloats } from '../expected';
import { inputValues, wide, type InputKind } from '../inputs';
import type { CaseWork, SelftestCase } from '../selftest-case';

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
  const spec = KERNEL_TABLE.rmsnorm;
  const place = xOffset > 0 ? `, ${heads} heads inside rows of ${xStride}` : '';
  return {
    ...{ kernel: 'rmsnorm', types: ['f32'], spec, variant: spec.variants[0] },
    shape: `${plural(tokens, 'row')} of ${rowLength}, ${size === 1 ? kind : `size ${size}, near eps`}${place}`,
    make: () => {
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
    },
  };
}

interface SoftmaxShape {
  readonly rows: number;
  readonly rowLength: number;
  readonly kind?: InputKind;
  /** Heads of a token and the position of the first, where rows are masked. */
  readonly causal?: { readonly heads: number; readonly first: number };
}

function softmaxCase({ rows, rowLength, kind = 'normal', causal }: SoftmaxShape): SelftestCase {
  const mask = causal === undefined ? kind : `causal, ${plural(causal.heads, 'head')}, from position ${causal.first}`;
  return softmaxOf(`${plural(rows, 'row')} of ${rowLength}, ${mask}`, () => {
    const x = inputValues(kind, rows * rowLength, 1);
    // Values that differ by tens, so that exp is used over its range.
    if (kind === 'normal') x.forEach((v, i) => (x[i] = 6 * v));
    return softmaxWork(x, rows, rowLength, causal);
  });
}

function softmaxWork(
  x: Float32Array<ArrayBuffer>,
  rows: number,
  rowLength: number,
  causal?: SoftmaxShape['causal'],
): CaseWork {
  const y = new Float64Array(x.length);
  const bound = new Float64Array(x.length);
  const fed = x.slice();
  for (let row = 0; row < rows; row++) {
    const at = row * rowLength;
    const visible =
      causal === undefined ? rowLength : Math.min(rowLength, causal.first + Math.floor(row / causal.heads) + 1);
    const own = wide(x.subarray(at, at + visible));
    softmax(own, 0, visible);
    y.set(own, at);
    softmaxBound(wide(x), at, visible, bound, at);
    // What the mask hides must not be read: an unwritten score may hold anything.
    fed.fill(NaN, at + visible, at + rowLength);
  }
  const params = {
    rows,
    rowLength,
    causal: causal === undefined ? 0 : 1,
    rowsPerToken: causal?.heads ?? 1,
    firstPosition: causal?.first ?? 0,
  };
  return {
    inputs: { x: fed },
    outputs: { y: y.length },
    calls: [{ params, grid: linearGrid(rows, 1) }],
    expected: { y: expectFloats(y, bound) },
  };
}

function softmaxOf(shape: string, make: () => CaseWork): SelftestCase {
  const spec = KERNEL_TABLE.softmax;
  return { kernel: 'softmax', types: ['f32'], shape, spec, variant: spec.variants[0], make };
}

/** Kernels of one workgroup a row. */
export const NORM_SOFTMAX_CASES: readonly SelftestCase[] = [
  ...(
    [
      { tokens: 1, rowLength: 1 },
      { tokens: 3, rowLength: 2 },
      { tokens: 2, rowLength: 63, kind: 'large' },
      { tokens: 3, rowLength: 65 },
      { tokens: 130, rowLength: 5 },
      { tokens: 2, rowLength: 2048 },
      { tokens: 2, rowLength: 67, kind: 'subnormal' },
      { tokens: 2, rowLength: 67, kind: 'minus-zero' },
      { tokens: 2, rowLength: 67, kind: 'one-hot' },
      { tokens: 1, rowLength: 64, size: 1e-3 },
      { tokens: 4, rowLength: 10, heads: 3, xStride: 50, xOffset: 20 },
    ] satisfies readonly NormShape[]
  ).map(normCase),
  ...(
    [
      { rows: 3, rowLength: 1 },
      { rows: 2, rowLength: 3, kind: 'large' },
      { rows: 2, rowLength: 63 },
      { rows: 1, rowLength: 64, kind: 'zero' },
      { rows: 3, rowLength: 65 },
      { rows: 3, rowLength: 128 },
      { rows: 2, rowLength: 301 },
      { rows: 2, rowLength: 67, kind: 'subnormal' },
      { rows: 5, rowLength: 7, causal: { heads: 1, first: 0 } },
      { rows: 12, rowLength: 70, causal: { heads: 3, first: 66 } },
    ] satisfies readonly SoftmaxShape[]
  ).map(softmaxCase),
  softmaxOf('values as far apart as f32 allows', () => softmaxWork(Float32Array.of(-3e38, 0, 3e38, 3e38), 1, 4)),
];

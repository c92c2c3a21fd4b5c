import { plural } from '../../base/format';
import { softmaxBound } from './bound';
import { softmax } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { linearGrid } from '../kernel-grid';
import { SOFTMAX } from './kernel';

interface SoftmaxShape {
  readonly rows: number;
  readonly rowLength: number;
  readonly kind?: InputKind;
  /** Heads of a token and the position of the first, where rows are masked. */
  readonly causal?: { readonly heads: number; readonly first: number };
}

function softmaxCase({ rows, rowLength, kind = 'normal', causal }: SoftmaxShape): SelftestCase {
  const mask = causal === undefined ? kind : `causal, ${plural(causal.heads, 'head')}, from position ${causal.first}`;
  return plainCase(SOFTMAX, `${plural(rows, 'row')} of ${rowLength}, ${mask}`, () => {
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
    // What is NaN has no error.
    if (Number.isNaN(y[at])) bound.fill(0, at, at + visible);
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

const SHAPES: readonly SoftmaxShape[] = [
  { rows: 3, rowLength: 1 },
  { rows: 2, rowLength: 3, kind: 'large' },
  { rows: 3, rowLength: 10 },
  { rows: 3, rowLength: 60 },
  { rows: 2, rowLength: 63 },
  { rows: 1, rowLength: 64, kind: 'zero' },
  { rows: 3, rowLength: 64 },
  { rows: 3, rowLength: 65 },
  { rows: 3, rowLength: 128 },
  { rows: 2, rowLength: 301 },
  ...KINDS.map((kind) => ({ rows: 2, rowLength: 67, kind })),
  { rows: 5, rowLength: 7, causal: { heads: 1, first: 0 } },
  { rows: 12, rowLength: 70, causal: { heads: 3, first: 66 } },
  { rows: 18, rowLength: 9, causal: { heads: 2, first: 0 } },
];

export const SOFTMAX_CASES: readonly SelftestCase[] = [
  ...SHAPES.map(softmaxCase),
  plainCase(SOFTMAX, 'values as far apart as f32 allows', () =>
    softmaxWork(Float32Array.of(-3e38, 0, 3e38, 3e38), 1, 4),
  ),
  plainCase(SOFTMAX, 'a NaN in one row and an infinity in another', () => {
    const x = inputValues('normal', 3 * 70, 1);
    x[70 + 65] = NaN;
    x[2 * 70 + 3] = Infinity;
    return softmaxWork(x, 3, 70);
  }),
];

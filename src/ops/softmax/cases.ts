import { plural } from '../../base/format';
import { softmaxBound } from './bound';
import { softmax } from './exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { linearGrid } from '../kernel-grid';
import { NO_WINDOW, SOFTMAX } from './kernel';

interface SoftmaxShape {
  readonly rows: number;
  readonly rowLength: number;
  readonly kind?: InputKind;
  /** Heads of a token and the position of the first, where rows are masked. */
  readonly causal?: { readonly heads: number; readonly first: number; readonly window?: number };
  /** Sinks of heads: about as large as values are, or above all of them. */
  readonly sinks?: 'normal' | 'high';
}

function softmaxCase({ rows, rowLength, kind = 'normal', causal, sinks }: SoftmaxShape): SelftestCase {
  const window = causal?.window === undefined ? '' : `, a window of ${causal.window}`;
  const own = sinks === undefined ? '' : `, ${sinks} sinks`;
  const mask =
    causal === undefined
      ? kind
      : `causal, ${plural(causal.heads, 'head')}, from position ${causal.first}${window}${own}`;
  return plainCase(SOFTMAX, `${plural(rows, 'row')} of ${rowLength}, ${mask}`, () => {
    const x = inputValues(kind, rows * rowLength, 1);
    // Values that differ by tens, so that exp is used over its range.
    if (kind === 'normal') x.forEach((v, i) => (x[i] = 6 * v));
    const raised = sinks === 'high' ? 40 : 0;
    const given = inputValues('normal', causal?.heads ?? 1, 9).map((sink) => 6 * sink + raised);
    return softmaxWork(x, rows, rowLength, causal, sinks === undefined ? undefined : given);
  });
}

function softmaxWork(
  x: Float32Array<ArrayBuffer>,
  rows: number,
  rowLength: number,
  causal?: SoftmaxShape['causal'],
  sinks?: Float32Array<ArrayBuffer>,
): CaseWork {
  const y = new Float64Array(x.length);
  const bound = new Float64Array(x.length);
  const fed = x.slice();
  for (let row = 0; row < rows; row++) {
    const at = row * rowLength;
    const visible =
      causal === undefined ? rowLength : Math.min(rowLength, causal.first + Math.floor(row / causal.heads) + 1);
    const begin = Math.max(0, visible - (causal?.window ?? rowLength));
    const sink = sinks?.[row % sinks.length];
    const own = wide(x.subarray(at + begin, at + visible));
    softmax(own, 0, own.length, sink);
    y.set(own, at + begin);
    softmaxBound(wide(x), at + begin, own.length, bound, at + begin, 0, sink);
    // What is NaN has no error.
    if (Number.isNaN(y[at + begin])) bound.fill(0, at, at + visible);
    fed.fill(NaN, at, at + begin);
    // What the mask hides must not be read: an unwritten score may hold anything.
    fed.fill(NaN, at + visible, at + rowLength);
  }
  const params = {
    rows,
    rowLength,
    causal: causal === undefined ? 0 : 1,
    rowsPerToken: causal?.heads ?? 1,
    firstPosition: causal?.first ?? 0,
    window: causal?.window ?? NO_WINDOW,
    hasSinks: sinks === undefined ? 0 : 1,
  };
  return {
    inputs: { x: fed, sinks: sinks ?? Float32Array.of(NaN) },
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
  { rows: 18, rowLength: 9, causal: { heads: 2, first: 0, window: 1 } },
  { rows: 24, rowLength: 75, causal: { heads: 3, first: 67, window: 5 } },
  { rows: 12, rowLength: 140, causal: { heads: 3, first: 136, window: 67 } },
  { rows: 12, rowLength: 70, causal: { heads: 3, first: 66 }, sinks: 'normal' },
  { rows: 15, rowLength: 9, causal: { heads: 5, first: 6, window: 4 }, sinks: 'high' },
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
  plainCase(SOFTMAX, 'a sink that is NaN', () =>
    softmaxWork(inputValues('normal', 4 * 5, 1), 4, 5, { heads: 2, first: 3 }, Float32Array.of(1, NaN)),
  ),
];

import { atOnce, inPieces, type Pieces } from '../base/pieces';
import { ratioBin, RATIO_BINS } from './ratio-bins';
import type { Metric } from './report';

/** How a C-order tensor is cut into positions: `outer` blocks of `positions` rows of `inner` values. */
export interface PositionLayout {
  readonly outer: number;
  readonly positions: number;
  readonly inner: number;
}

/** What is known of one position's values in both tensors. All sums in f64; a NaN makes them NaN. */
export interface PositionStats {
  /** Elements compared. With 0 of them the sums are those of nothing, and no measure of the position may be made of them. */
  count: number;
  /** sum (a-b)^2 */
  error2: number;
  /** sum a^2 */
  a2: number;
  /** sum b^2 */
  b2: number;
  /** sum a*b */
  dot: number;
  /** Largest error / bound; undefined without bounds, or where no element had a finite reference. */
  maxRatio: number | undefined;
}

export interface ValueComparison {
  readonly count: number;
  readonly cosine: Metric;
  readonly nmse: Metric;
  readonly relL2: Metric;
  /** NaN as soon as one difference is NaN. */
  readonly maxAbs: Metric;
  readonly maxAbsAt: number;
  /** Root mean square of b. */
  readonly rms: Metric;
  /** Largest error / bound over elements where the reference is finite; undefined without bounds. */
  readonly maxRatio?: Metric;
  readonly maxRatioAt?: number;
  /** How many of those elements have a ratio in each bin. */
  readonly ratios?: readonly number[];
  readonly nanA: number;
  readonly nanB: number;
  readonly infA: number;
  readonly infB: number;
  /** Flat index of the first value that is not finite. */
  readonly firstNonFiniteA?: number;
  readonly firstNonFiniteB?: number;
  /** Flat index of the first value that is not finite in `a` but finite in `b`. */
  readonly firstOnlyA?: number;
  readonly perPosition: readonly PositionStats[];
}

/**
 * Compares two tensors of equal length element by element; `skip[i] !== 0` leaves an element out (a slot whose expert the other engine
 * did not choose). Equal infinities differ by 0; any NaN makes the sums and the maximum NaN, so that it never disappears.
 */
export function compareValues(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  layout: PositionLayout,
  bound?: ArrayLike<number>,
  skip?: Uint8Array,
): ValueComparison {
  return atOnce(compareInPieces({ a, b, bound, skip }, layout));
}

/** What is compared. */
export interface Compared {
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly bound?: ArrayLike<number> | undefined;
  readonly skip?: Uint8Array | undefined;
}

/** {@link compareValues} that can be left. */
export function* compareInPieces(compared: Compared, layout: PositionLayout): Pieces<ValueComparison> {
  const perPosition: PositionStats[] = Array.from({ length: layout.positions }, () => ({
    count: 0,
    error2: 0,
    a2: 0,
    b2: 0,
    dot: 0,
    maxRatio: undefined,
  }));
  const totals: Totals = { ...NOTHING, ratios: new Array<number>(RATIO_BINS).fill(0) };
  const { outer, positions, inner } = layout;
  yield* inPieces(outer * positions * inner, inner, (from, to) => {
    for (let i = from; i < to; i += inner) {
      const stats = perPosition[(i / inner) % positions];
      if (stats !== undefined) compareRow(compared, i, i + inner, stats, totals);
    }
  });
  return resultOf(totals, perPosition);
}

/** What is known of the rows so far; indices are -1 while there is none. */
interface Totals {
  count: number;
  maxAbs: number;
  maxAbsAt: number;
  maxRatio: number | undefined;
  maxRatioAt: number;
  readonly ratios: number[];
  nanA: number;
  nanB: number;
  infA: number;
  infB: number;
  firstNonFiniteA: number;
  firstNonFiniteB: number;
  firstOnlyA: number;
}

const NOTHING: Omit<Totals, 'ratios'> = {
  ...{ count: 0, maxAbs: 0, maxAbsAt: 0, maxRatio: undefined, maxRatioAt: 0 },
  ...{ nanA: 0, nanB: 0, infA: 0, infB: 0, firstNonFiniteA: -1, firstNonFiniteB: -1, firstOnlyA: -1 },
};

/** Adds the elements `from` to `to`, a position's, to what is known of it and of all. */
function compareRow({ a, b, bound, skip }: Compared, from: number, to: number, stats: PositionStats, t: Totals): void {
  let { error2, a2, b2, dot } = stats;
  let { maxAbs, maxAbsAt } = t;
  const { ratios } = t;
  // -1 stands for "none yet": a ratio is never negative.
  let largest = stats.maxRatio ?? -1;
  let count = 0;
  for (let i = from; i < to; i++) {
    if (skip !== undefined && skip[i] !== 0) continue;
    const x = a[i]!;
    const y = b[i]!;
    const finiteB = y - y === 0;
    count++;
    if (x - x !== 0) {
      if (x !== x) t.nanA++;
      else t.infA++;
      if (t.firstNonFiniteA < 0) t.firstNonFiniteA = i;
      if (finiteB && t.firstOnlyA < 0) t.firstOnlyA = i;
    }
    if (!finiteB) {
      if (y !== y) t.nanB++;
      else t.infB++;
      if (t.firstNonFiniteB < 0) t.firstNonFiniteB = i;
    }
    const d = x === y ? 0 : x - y;
    error2 += d * d;
    a2 += x * x;
    b2 += y * y;
    dot += x * y;
    const magnitude = Math.abs(d);
    // Once maxAbs is NaN it stays: `!(NaN >= x)` would replace it, so test for it first.
    if (maxAbs === maxAbs && !(magnitude <= maxAbs)) {
      maxAbs = magnitude;
      maxAbsAt = i;
    }
    if (bound !== undefined && finiteB) {
      const limit = bound[i]!;
      const ratio = magnitude === 0 ? 0 : magnitude / limit;
      ratios[ratioBin(ratio)]!++;
      if (largest === largest && !(ratio <= largest)) {
        largest = ratio;
        // The largest of all is the largest of its position.
        if (t.maxRatio === undefined || (t.maxRatio === t.maxRatio && !(ratio <= t.maxRatio))) {
          t.maxRatio = ratio;
          t.maxRatioAt = i;
        }
      }
    }
  }
  t.maxAbs = maxAbs;
  t.maxAbsAt = maxAbsAt;
  t.count += count;
  stats.count += count;
  if (largest !== -1) stats.maxRatio = largest;
  stats.error2 = error2;
  stats.a2 = a2;
  stats.b2 = b2;
  stats.dot = dot;
}

function resultOf(t: Totals, perPosition: readonly PositionStats[]): ValueComparison {
  const { count, maxRatio } = t;
  const total: PositionStats = { count, error2: 0, a2: 0, b2: 0, dot: 0, maxRatio };
  for (const s of perPosition) {
    total.error2 += s.error2;
    total.a2 += s.a2;
    total.b2 += s.b2;
    total.dot += s.dot;
  }
  return {
    count,
    cosine: cosineOf(total),
    nmse: relative(total.error2, total.b2),
    relL2: relL2Of(total),
    maxAbs: t.maxAbs,
    maxAbsAt: t.maxAbsAt,
    rms: count === 0 ? 0 : Math.sqrt(total.b2 / count),
    ...(maxRatio === undefined ? {} : { maxRatio, maxRatioAt: t.maxRatioAt, ratios: t.ratios }),
    nanA: t.nanA,
    nanB: t.nanB,
    infA: t.infA,
    infB: t.infB,
    ...(t.firstNonFiniteA < 0 ? {} : { firstNonFiniteA: t.firstNonFiniteA }),
    ...(t.firstNonFiniteB < 0 ? {} : { firstNonFiniteB: t.firstNonFiniteB }),
    ...(t.firstOnlyA < 0 ? {} : { firstOnlyA: t.firstOnlyA }),
    perPosition,
  };
}

type Sums = Pick<PositionStats, 'error2' | 'a2' | 'b2' | 'dot'>;

/** sum ab / sqrt(sum a^2 sum b^2); 1 when both are all zero or bit-equal, 0 when only one is zero. */
export function cosineOf(s: Sums): number {
  if (s.error2 === 0) return 1;
  if (s.a2 === 0 || s.b2 === 0) return 0;
  return s.dot / (Math.sqrt(s.a2) * Math.sqrt(s.b2));
}

/** How many times as long as b a is; NaN where either is all zero, of which the cosine tells. */
export function lengthOf({ a2, b2 }: Pick<Sums, 'a2' | 'b2'>): number {
  return a2 === 0 || b2 === 0 ? NaN : Math.sqrt(a2 / b2);
}

/** sqrt(sum (a-b)^2 / sum b^2); 0 when there is no error; Infinity when the reference is all zero. */
export function relL2Of(s: Pick<Sums, 'error2' | 'b2'>): number {
  return Math.sqrt(relative(s.error2, s.b2));
}

function relative(error2: number, b2: number): number {
  return error2 === 0 ? 0 : error2 / b2;
}

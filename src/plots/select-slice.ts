import { formatMetric } from '../base/format';
import type { Row } from '../divergence/report';
import type { SliceValue, CaptureSlice } from '../divergence/capture-slice';
import { axisWord } from './axis-words';

/** The columns that name a value's place: one an axis, `slot (expert)` where the expert is known. */
export function axisNames(slice: CaptureSlice): readonly string[] {
  return slice.axes.map(({ dim }) => axisWord(dim));
}

/** A value's place along its axes, as the columns show it. */
export function indexWords(slice: CaptureSlice, value: SliceValue): readonly string[] {
  return value.index.map((at, i) => {
    const named = slice.axes[i]?.dim === 'nExpertUsed' && value.expert !== undefined;
    return named ? `${String(at)} (expert ${String(value.expert)})` : String(at);
  });
}

/** A value in as many digits as tell f32 numbers apart where they differ by a bound's worth. */
export function valueText(x: number): string {
  if (!Number.isFinite(x)) return formatMetric(x);
  if (x === 0) return '0';
  const magnitude = Math.abs(x);
  return magnitude >= 1e5 || magnitude < 1e-3 ? x.toExponential(5) : x.toPrecision(7);
}

/**
 * The error of a row's worst element. By error / bound it is told by the two, which are exact: recorded values are rounded to seven digits, and
 * their difference may be nothing where the error is not.
 */
export function worstError(row: Row, byRatio: boolean): number | undefined {
  const values = byRatio ? row.maxRatioValues : row.maxAbsValues;
  if (values === undefined) return undefined;
  const { a, b, bound } = values;
  const told = byRatio && bound !== undefined ? (row.maxRatio ?? NaN) * bound : (row.maxAbs ?? NaN);
  return Number.isFinite(told) ? told : Math.abs(a - b);
}

/** Experts that only one engine chose stand out. */
export function expertSets(experts: NonNullable<CaptureSlice['experts']>): {
  readonly both: readonly number[];
  readonly onlyA: readonly number[];
  readonly onlyB: readonly number[];
} {
  return {
    both: experts.b.filter((e) => experts.a.includes(e)),
    onlyA: experts.a.filter((e) => !experts.b.includes(e)),
    onlyB: experts.b.filter((e) => !experts.a.includes(e)),
  };
}

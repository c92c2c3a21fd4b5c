import { RATIO_BINS, RATIO_EDGES } from '../divergence/ratio-bins';
import { SHOWN_STAGES, stageSpec, type StageId } from '../model/stages';
import { rowIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** One stage over all layers: how much of its bound honest and other error uses. */
export interface RatioLine {
  readonly stage: StageId;
  readonly title: string;
  readonly headline: boolean;
  /** The largest error / bound of each layer. */
  readonly largest: readonly { readonly layer: number | undefined; readonly ratio: number }[];
  /** The largest of all; NaN where one is. */
  readonly worst: number;
  /** Share of all elements in each bin of `RATIO_EDGES`; undefined where the trace has no distribution. */
  readonly shares: readonly number[] | undefined;
  /** The bin that holds the median element. */
  readonly median: number | undefined;
  /** Products: the largest error against what n random roundings would make. */
  readonly estimate: number | undefined;
}

/** The isolated rows of every stage that has bounds, forward order. */
export function selectRatios(view: TraceView): readonly RatioLine[] {
  const index = rowIndex(view.rows);
  return SHOWN_STAGES.flatMap((stage): RatioLine[] => {
    const rows = index.rows('isolated', stage).filter((row) => row.maxRatio !== undefined);
    if (rows.length === 0) return [];
    const { title, headline } = stageSpec(stage);
    const counts = new Array<number>(RATIO_BINS).fill(0);
    for (const row of rows) row.ratios?.forEach((n, bin) => (counts[bin] = (counts[bin] ?? 0) + n));
    const total = counts.reduce((x, y) => x + y, 0);
    const largest = rows.map(({ layer, maxRatio }) => ({ layer, ratio: maxRatio ?? NaN }));
    const estimates = rows.flatMap((row) => (row.maxEstimate === undefined ? [] : [row.maxEstimate]));
    return [
      {
        stage,
        title,
        headline,
        largest,
        worst: maxOrNaN(largest.map(({ ratio }) => ratio)),
        shares: total === 0 ? undefined : counts.map((n) => n / total),
        median: total === 0 ? undefined : medianBin(counts, total),
        estimate: estimates.length === 0 ? undefined : maxOrNaN(estimates),
      },
    ];
  });
}

/** `0`, `≤ 1e-4`, `> 10`: a bin in words. */
export function binName(bin: number): string {
  const edge = RATIO_EDGES[bin];
  if (edge === undefined) return `> ${String(RATIO_EDGES[RATIO_EDGES.length - 1] ?? 0)}`;
  return edge === 0 ? '0' : `≤ ${edge >= 0.01 ? String(edge) : edge.toExponential(0)}`;
}

function medianBin(counts: readonly number[], total: number): number {
  let seen = 0;
  for (const [bin, n] of counts.entries()) {
    seen += n;
    if (2 * seen >= total) return bin;
  }
  return counts.length - 1;
}

function maxOrNaN(values: readonly number[]): number {
  return values.reduce((x, y) => (Number.isNaN(x) || Number.isNaN(y) ? NaN : Math.max(x, y)), 0);
}

import type { CompareMode, Row, RowVerdict } from '../divergence/report';
import { bothCaptured } from '../divergence/both-captured';
import { formatMetric } from '../base/format';
import { SHOWN_STAGES, stageSpec, type StageId } from '../model/stages';
import { isBroken } from './row-verdict';
import { rowIndex } from './trace-index';
import { firstPlace, type TraceView } from './trace-view';

export const TABLE_METRICS = [
  { id: 'ratio', title: 'error ÷ bound', mode: 'isolated' },
  { id: 'isolated', title: 'isolated, relative L2', mode: 'isolated' },
  { id: 'free', title: 'free-running, relative L2', mode: 'free' },
  { id: 'cosine', title: 'free-running, 1 − cosine', mode: 'free' },
] as const satisfies readonly { id: string; title: string; mode: CompareMode }[];
export type TableMetric = (typeof TABLE_METRICS)[number]['id'];

export interface TableCell {
  readonly layer: number | undefined;
  readonly text: string;
  readonly verdict: RowVerdict;
  readonly first: boolean;
}

export interface TableLine {
  readonly stage: StageId;
  readonly title: string;
  readonly headline: boolean;
  /** One a layer of the plan; a whole-model stage has a single cell. */
  readonly cells: readonly (TableCell | undefined)[];
}

/** Every stage by every layer, in numbers: the table twin of the heatmap. */
export function selectTable(view: TraceView, metric: TableMetric): readonly TableLine[] {
  const spec = TABLE_METRICS.find((m) => m.id === metric) ?? TABLE_METRICS[0];
  const index = rowIndex(view.rows);
  const place = firstPlace(view);
  return SHOWN_STAGES.flatMap((stage) => {
    const { title, headline, scope } = stageSpec(stage);
    const layers: readonly (number | undefined)[] = scope === 'model' ? [undefined] : view.layers;
    const cells = layers.map((layer): TableCell | undefined => {
      const row = index.row(spec.mode, stage, layer);
      if (row === undefined || row.verdict === 'not-applicable') return undefined;
      const first = place !== undefined && place.stage === stage && place.layer === layer;
      return { layer, text: textOf(row, metric), verdict: row.verdict, first };
    });
    return cells.every((c) => c === undefined) ? [] : [{ stage, title, headline, cells }];
  });
}

function textOf(row: Row, metric: TableMetric): string {
  if (row.count === 0) {
    if (bothCaptured(row)) return isBroken(row) ? 'NaN' : 'no shared expert';
    return row.verdict === 'missing' ? 'missing' : '–';
  }
  if (row.jaccard !== undefined) {
    const n = row.flips?.length ?? 0;
    return n === 0 ? 'same' : `${String(n)} flip${n === 1 ? '' : 's'}`;
  }
  switch (metric) {
    case 'ratio':
      return formatMetric(row.maxRatio);
    case 'isolated':
    case 'free':
      return formatMetric(row.relL2);
    case 'cosine':
      return formatMetric(row.cosine === undefined ? undefined : Math.max(0, 1 - row.cosine));
  }
}

/** What a verdict means, in a few words. */
export const VERDICT_WORDS: Readonly<Record<RowVerdict, string>> = {
  match: 'within its limit',
  diverge: 'over its limit',
  'nan-gpu': 'not finite on the GPU only',
  'nan-cpu': 'not finite on the reference only',
  'nan-both': 'not finite on both arms',
  'after-flip': 'differs after a routing flip',
  victim: 'inherits an error from above',
  missing: 'captured on one arm only',
  unmeasured: 'not captured',
  'not-applicable': 'the model has no such stage',
};

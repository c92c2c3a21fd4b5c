import type { Row, RowVerdict } from '../divergence/report';
import { bothCaptured } from '../divergence/both-captured';
import { formatMetric } from '../base/format';
import { stageSpec, type StageId } from '../model/stages';
import { valueOf, type Unit } from './map/measure';
import { isBroken } from './row-verdict';
import type { MapData, MapRow } from './map/map-types';

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

/** One stage's line; undefined where the model has no such stage. */
export function tableLine(data: MapData, { stage, title, headline }: MapRow): TableLine | undefined {
  const { measure, first } = data;
  const { scope } = stageSpec(stage);
  const layers: readonly (number | undefined)[] = scope === 'model' ? [undefined] : data.layers;
  const cells = layers.map((layer): TableCell | undefined => {
    const row = data.row(measure.basis, stage, layer);
    if (row === undefined || row.verdict === 'not-applicable') return undefined;
    const isFirst = first !== undefined && first.stage === stage && first.layer === layer;
    return { layer, text: textOf(row, measure.unit), verdict: row.verdict, first: isFirst };
  });
  return cells.every((c) => c === undefined) ? undefined : { stage, title, headline, cells };
}

function textOf(row: Row, unit: Unit): string {
  if (row.count === 0) {
    if (bothCaptured(row)) return isBroken(row) ? 'NaN' : 'no shared expert';
    return row.verdict === 'missing' ? 'missing' : '–';
  }
  if (row.jaccard !== undefined) {
    const n = row.flips?.length ?? 0;
    return n === 0 ? 'same' : `${n} flip${n === 1 ? '' : 's'}`;
  }
  return formatMetric(valueOf(row, unit));
}

/** What a verdict means, in a few words. */
export const VERDICT_WORDS: Readonly<Record<RowVerdict, string>> = {
  match: 'within its limit',
  diverge: 'over its limit',
  'nan-gpu': 'not finite in the candidate only',
  'nan-cpu': 'not finite in the reference only',
  'nan-both': 'not finite on both sides',
  'after-flip': 'differs after a routing flip',
  victim: 'inherits an error from above',
  missing: 'captured on one side only',
  unmeasured: 'not captured',
  'not-applicable': 'the model has no such stage',
};

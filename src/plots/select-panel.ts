import type { CompareMode, Culprit, Row } from '../divergence/report';
import { stageSpec, type StageId } from '../model/stages';
import { formatMetric } from '../base/format';
import { relL2OfCosine, type ErrorMetric } from './error-scale';
import { isBroken, isFailing } from './row-verdict';
import { rowIndex } from './trace-index';
import { firstPlace, type TraceView } from './trace-view';

export interface PanelPoint {
  readonly layer: number;
  readonly value: number;
  /** Wrong by itself: gets a ring. */
  readonly failing: boolean;
}

export interface PanelSeries {
  readonly mode: CompareMode;
  readonly title: string;
  /** Ascending layers; a layer that was not measured is absent. */
  readonly points: readonly PanelPoint[];
}

/** One panel of the divergence plot: a stage over the layers. */
export interface PanelData {
  readonly stage: StageId;
  readonly title: string;
  readonly metric: ErrorMetric;
  readonly layers: readonly number[];
  readonly series: readonly PanelSeries[];
  readonly limit: { readonly value: number; readonly text: string } | undefined;
  /** Tokens whose experts differ, by layer; empty where routing agrees. */
  readonly flips: readonly { readonly layer: number; readonly count: number }[];
  readonly nPositions: number;
  readonly first: { readonly layer: number; readonly text: string } | undefined;
}

/** The curves of one stage. Index stages have no curve of their own; their flips are marked on the router's panel. */
export function selectPanel(view: TraceView, stage: StageId, metric: ErrorMetric): PanelData {
  const series = (['free', 'isolated'] as const).flatMap((mode) => {
    const points = rowIndex(view.rows)
      .rows(mode, stage)
      .flatMap((row) => pointOf(row, metric, view.verdict?.first));
    const title = mode === 'free' ? 'free-running' : 'isolated';
    return points.length === 0 ? [] : [{ mode, title, points }];
  });
  return {
    stage,
    title: stageSpec(stage).title,
    metric,
    layers: view.layers,
    series,
    limit: limitOf(view, metric),
    flips: selectFlipCounts(view),
    nPositions: view.positions.length,
    first: firstOf(view),
  };
}

/** Tokens with differing experts, by layer; free-running. */
export function selectFlipCounts(view: TraceView): readonly { readonly layer: number; readonly count: number }[] {
  return rowIndex(view.rows).flipped.flatMap(({ layer, flips = [] }) =>
    layer === undefined ? [] : [{ layer, count: flips.length }],
  );
}

function pointOf(row: Row, metric: ErrorMetric, first: Culprit | undefined): PanelPoint[] {
  if (row.layer === undefined) return [];
  // An expert that one arm alone chose is compared with nothing; what is not finite in it shows all the same.
  const value = metric === 'ratio' ? row.maxRatio : isBroken(row) ? NaN : row.relL2;
  // Where both arms are not finite after the first such place, both were fed it.
  const fed =
    row.verdict === 'nan-both' && first !== undefined && (row.layer !== first.layer || row.stage !== first.stage);
  return value === undefined ? [] : [{ layer: row.layer, value, failing: isFailing(row) && !fed }];
}

function limitOf(view: TraceView, metric: ErrorMetric): PanelData['limit'] {
  if (metric === 'ratio') return { value: view.limits.ratio, text: `bound ${String(view.limits.ratio)}` };
  const value = relL2OfCosine(view.limits.cosine);
  return { value, text: `limit ${formatMetric(value)}` };
}

function firstOf(view: TraceView): PanelData['first'] {
  const place = firstPlace(view);
  if (place?.layer === undefined) return undefined;
  const what = view.verdict?.first?.metric === 'non-finite' ? 'first poison' : 'first culprit';
  return { layer: place.layer, text: `${what}: layer ${String(place.layer)}, ${stageSpec(place.stage).title}` };
}

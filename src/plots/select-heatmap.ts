import type { CompareMode, Row } from '../divergence/report';
import { ACTIVE_STAGES, stageSpec, type StageId } from '../model/stages';
import { firstPlace, type TraceView } from './trace-view';

export interface HeatRow {
  readonly stage: StageId;
  readonly title: string;
  readonly headline: boolean;
}

/** Every stage by every layer: what one cell of the heatmap knows. */
export interface HeatCell {
  /** The worst over the positions; NaN or infinite where a position is not finite; undefined where nothing was compared. */
  readonly worst: number | undefined;
  /** In the order of the view's positions; undefined where the row has none. */
  readonly perPosition: readonly number[] | undefined;
  readonly row: Row;
}

export interface HeatData {
  readonly mode: CompareMode;
  readonly stages: readonly HeatRow[];
  /** Layers of the plan, in columns. */
  readonly layers: readonly number[];
  readonly positions: readonly number[];
  /** By `cellKey(stage, layer)`. */
  readonly cells: ReadonlyMap<string, HeatCell>;
  readonly first: { readonly stage: StageId; readonly layer: number } | undefined;
}

export function cellKey(stage: StageId, layer: number): string {
  return `${stage}@${String(layer)}`;
}

/**
 * The heatmap of one mode. Whole-model stages stand in the column where they happen: the embedding in the first, the final norm and the
 * head in the last. Stages that were not run have no row.
 */
export function selectHeatmap(view: TraceView, mode: CompareMode): HeatData {
  const firstLayer = view.layers[0] ?? 0;
  const lastLayer = view.layers[view.layers.length - 1] ?? 0;
  const column = (row: Pick<Row, 'layer' | 'stage'>): number =>
    row.layer ?? (row.stage === 'embedding' ? firstLayer : lastLayer);
  const cells = new Map<string, HeatCell>();
  const present = new Set<StageId>();
  for (const row of view.rows) {
    if (row.verdict === 'not-applicable') continue;
    present.add(row.stage);
    if (row.mode === mode) cells.set(cellKey(row.stage, column(row)), cellOf(row));
  }
  const place = firstPlace(view);
  return {
    mode,
    stages: ACTIVE_STAGES.filter((id) => present.has(id)).map((stage) => {
      const { title, headline } = stageSpec(stage);
      return { stage, title, headline };
    }),
    layers: view.layers,
    positions: view.positions,
    cells,
    first: place === undefined ? undefined : { stage: place.stage, layer: column(place) },
  };
}

/** The layer that a cell's column stands for in a row: undefined for whole-model stages. */
export function layerOfCell(stage: StageId, column: number): number | undefined {
  return stageSpec(stage).scope === 'layer' ? column : undefined;
}

function cellOf(row: Row): HeatCell {
  return { worst: worstOf(row), perPosition: row.perPosition, row };
}

/** NaN outranks infinity outranks any number; an index row counts as its Jaccard distance. */
function worstOf(row: Row): number | undefined {
  if ((row.nanA ?? 0) + (row.nanB ?? 0) > 0) return NaN;
  if ((row.infA ?? 0) + (row.infB ?? 0) > 0) return Infinity;
  if (row.perPosition !== undefined && row.perPosition.length > 0) {
    return row.perPosition.reduce((x, y) => (Number.isNaN(x) || Number.isNaN(y) ? NaN : Math.max(x, y)), 0);
  }
  return row.relL2 ?? (row.jaccard === undefined ? undefined : 1 - row.jaccard);
}

import type { CompareMode, Row } from '../divergence/report';
import { SHOWN_STAGES, stageSpec, type StageId } from '../model/stages';
import { HEAT_MEASURES, heatMeasure, type HeatMeasure, type HeatMeasureSpec } from './heat-measures';
import { rowIndex } from './trace-index';
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
  /** In the order of the view's positions, undefined where nothing of one was compared; undefined where the row has none. */
  readonly perPosition: readonly (number | undefined)[] | undefined;
  readonly row: Row;
}

export interface HeatData {
  readonly mode: CompareMode;
  readonly measure: HeatMeasureSpec;
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
export function selectHeatmap(view: TraceView, way: CompareMode, id: HeatMeasure = 'relL2'): HeatData {
  const measure = heatMeasure(id);
  const mode = measure.isolatedOnly ? 'isolated' : way;
  const firstLayer = view.layers[0] ?? 0;
  const lastLayer = view.layers[view.layers.length - 1] ?? 0;
  const column = (row: Pick<Row, 'layer' | 'stage'>): number =>
    row.layer ?? (row.stage === 'embedding' ? firstLayer : lastLayer);
  const cells = new Map<string, HeatCell>();
  const index = rowIndex(view.rows);
  const stages = SHOWN_STAGES.filter((id) => index.stages.has(id));
  for (const stage of stages) {
    for (const row of index.rows(mode, stage)) {
      if (row.verdict !== 'not-applicable') cells.set(cellKey(stage, column(row)), cellOf(row, measure));
    }
  }
  const place = firstPlace(view);
  return {
    mode,
    measure,
    stages: stages.map((stage) => {
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

const known = new Map<HeatMeasure, WeakMap<Row, HeatCell>>(HEAT_MEASURES.map(({ id }) => [id, new WeakMap()]));

/** What a cell says of one of its positions: nothing of it may have been compared though the rest was. */
export function valueAt(cell: HeatCell | undefined, position: number): number | undefined {
  return cell?.perPosition === undefined ? cell?.worst : cell.perPosition[position];
}

/** Made once a row: while a run goes on, the rows that were there before cost a look-up. */
function cellOf(row: Row, measure: HeatMeasureSpec): HeatCell {
  const cells = known.get(measure.id);
  const cell = cells?.get(row);
  if (cell !== undefined) return cell;
  const made = { worst: worstOf(row, measure), perPosition: measure.perToken ? row.perPosition : undefined, row };
  cells?.set(row, made);
  return made;
}

/** NaN outranks infinity outranks any number; an index row counts as its Jaccard distance. */
function worstOf(row: Row, measure: HeatMeasureSpec): number | undefined {
  if ((row.nanA ?? 0) + (row.nanB ?? 0) > 0) return NaN;
  if ((row.infA ?? 0) + (row.infB ?? 0) > 0) return Infinity;
  if (measure.perToken && row.perPosition !== undefined && row.perPosition.length > 0) {
    return row.perPosition
      .filter((x) => x !== undefined)
      .reduce<number | undefined>(
        (x, y) => (Number.isNaN(x) || Number.isNaN(y) ? NaN : Math.max(x ?? 0, y)),
        undefined,
      );
  }
  return measure.value(row);
}

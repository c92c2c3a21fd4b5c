import type { CompareMode } from '../divergence/report';
import { STAGES, type StageId } from '../model/stages';
import { ERROR_METRICS, type ErrorMetric } from '../plots/error-scale';
import { HEAT_MEASURES, type HeatMeasure } from '../plots/heat-measures';
import { PART_WAYS, type PartWay } from '../plots/select-parts';
import { TABLE_METRICS, type TableMetric } from '../plots/select-table';
import type { Place } from '../plots/select-walk';

/** How a trace is looked at: what links and pictures carry besides the trace. */
export interface ViewState {
  readonly metric: ErrorMetric;
  readonly heatMode: CompareMode;
  /** What the heatmap's colours say. */
  readonly heatMeasure: HeatMeasure;
  readonly tableMetric: TableMetric;
  /** The selected expert. */
  readonly expert: number | undefined;
  /** Where the prompt is cut; undefined: where it suggests itself. */
  readonly cut: PartWay | undefined;
  /** Undefined: where the page points by itself. */
  readonly selection: Place | undefined;
}

export const FIRST_VIEW: ViewState = {
  metric: 'relL2',
  heatMode: 'free',
  heatMeasure: 'relL2',
  tableMetric: 'ratio',
  expert: undefined,
  cut: undefined,
  selection: undefined,
};

/** Reads the JSON form; whatever it does not know keeps its first value. */
export function readViewState(value: unknown): ViewState {
  const selection = readPlace(get(value, 'selection'));
  return {
    metric: readMetric(get(value, 'metric')) ?? FIRST_VIEW.metric,
    heatMode: readHeatMode(get(value, 'heatMode')) ?? FIRST_VIEW.heatMode,
    heatMeasure: readHeatMeasure(get(value, 'heatMeasure')) ?? FIRST_VIEW.heatMeasure,
    tableMetric: readTableMetric(get(value, 'tableMetric')) ?? FIRST_VIEW.tableMetric,
    expert: readIndex(get(value, 'expert')),
    cut: readCut(get(value, 'cut')),
    selection,
  };
}

export function readMetric(value: unknown): ErrorMetric | undefined {
  return Object.values(ERROR_METRICS).find(({ id }) => id === value)?.id;
}

export function readHeatMode(value: unknown): CompareMode | undefined {
  return (['free', 'isolated'] as const).find((id) => id === value);
}

export function readHeatMeasure(value: unknown): HeatMeasure | undefined {
  return HEAT_MEASURES.find(({ id }) => id === value)?.id;
}

export function readCut(value: unknown): PartWay | undefined {
  return PART_WAYS.find(({ id }) => id === value)?.id;
}

export function readTableMetric(value: unknown): TableMetric | undefined {
  return TABLE_METRICS.find(({ id }) => id === value)?.id;
}

export function readStage(value: unknown): StageId | undefined {
  return STAGES.find(({ id }) => id === value)?.id;
}

/** A whole number from 0 to a million, from JSON or from text. */
export function readIndex(value: unknown): number | undefined {
  const n = typeof value === 'string' && /^\d{1,7}$/.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isInteger(n) && n >= 0 && n < 1e6 ? n : undefined;
}

function readPlace(value: unknown): Place | undefined {
  const stage = readStage(get(value, 'stage'));
  if (stage === undefined) return undefined;
  return { stage, layer: readIndex(get(value, 'layer')), position: readIndex(get(value, 'position')) };
}

function get(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

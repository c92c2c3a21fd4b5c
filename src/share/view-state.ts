import { COMPARE_MODES, type CompareMode } from '../divergence/report';
import { STAGES, type StageId } from '../model/stages';
import type { LayerWindow } from '../plots/map/layout';
import type { Unit } from '../plots/map/measure';
import type { Place } from '../plots/select-walk';
import { TABS, type TabId } from '../plots/tabs/tabs';

/** How a trace is looked at: what links and pictures carry besides the trace. Undefined: as the page chooses by itself. */
export interface ViewState {
  /** Which error is judged, and in which unit. */
  readonly basis: CompareMode | undefined;
  readonly unit: Unit | undefined;
  readonly tab: TabId | undefined;
  /** The expert in hand. */
  readonly expert: number | undefined;
  readonly selection: Place | undefined;
  /** Indices into the trace's layers. */
  readonly zoom: LayerWindow | undefined;
}

export const FIRST_VIEW: ViewState = {
  basis: undefined,
  unit: undefined,
  tab: undefined,
  expert: undefined,
  selection: undefined,
  zoom: undefined,
};

/** Reads the JSON form, also that of versions with a measure for each figure; whatever it does not know keeps its first value. */
export function readViewState(value: unknown): ViewState {
  const zoom = get(value, 'zoom');
  const old = oldMeasure(get(value, 'metric'), get(value, 'heatMode'), get(value, 'heatMeasure'));
  return {
    basis: readBasis(get(value, 'basis')) ?? old.basis,
    unit: readUnit(get(value, 'unit')) ?? old.unit,
    tab: readTab(get(value, 'tab')),
    expert: readIndex(get(value, 'expert')),
    selection: readPlace(get(value, 'selection')),
    zoom: readWindow(get(zoom, 'from'), get(zoom, 'to')),
  };
}

/** The page's measure from those that figures had of their own: `ratio` was of isolated stages. */
export function oldMeasure(
  metric: unknown,
  heatMode: unknown,
  heatMeasure: unknown,
): Pick<ViewState, 'basis' | 'unit'> {
  if (metric === 'ratio' || heatMeasure === 'ratio') return { basis: 'isolated', unit: 'ratio' };
  if (heatMode === 'isolated') return { basis: 'isolated', unit: 'l2' };
  return { basis: undefined, unit: undefined };
}

export function readBasis(value: unknown): CompareMode | undefined {
  return COMPARE_MODES.find((id) => id === value);
}

export function readUnit(value: unknown): Unit | undefined {
  return (['ratio', 'l2'] as const).find((id) => id === value);
}

export function readTab(value: unknown): TabId | undefined {
  return TABS.find(({ id }) => id === value)?.id;
}

export function readWindow(from: unknown, to: unknown): LayerWindow | undefined {
  const [a, b] = [readIndex(from), readIndex(to)];
  return a === undefined || b === undefined || b <= a ? undefined : { from: a, to: b };
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

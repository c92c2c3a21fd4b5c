import { limitsOf } from '../divergence/limits';
import type { Report } from '../divergence/report';
import { sideTitle, viewOfReport, type TraceView } from '../plots/trace-view';
import { parseRange } from '../model/plan';
import { toErrorData } from '../base/errors';
import { mapData } from '../plots/map/map-data';
import type { MapData } from '../plots/map/map-types';
import { measureOf, wishOf } from '../plots/map/measure';
import { selectClosest, selectFirst, type Place } from '../plots/select-walk';
import { firstTab, tabNews, type TabId, type TabNews } from '../plots/tabs/tabs';
import type { AppState, LiveTrace } from './state';

/** What the page shows: the run under way, the finished one, or the recorded trace; nothing once another model is open. */
export type Shown =
  | { readonly kind: 'live'; readonly view: TraceView; readonly live: LiveTrace }
  | { readonly kind: 'report' | 'recorded'; readonly view: TraceView; readonly report: Report }
  | { readonly kind: 'none' };

const NOTHING: Shown = { kind: 'none' };
const shownLive = new WeakMap<LiveTrace, Shown>();
const shownReport = new WeakMap<Report, Shown>();
const shownRecorded = new WeakMap<Report, Shown>();
const places = new WeakMap<TraceView, Place>();

/** Derived from the state; the same trace gives the same object, so that figures are not drawn twice. */
export function selectShown(state: AppState): Shown {
  const { report, live, opened, recorded } = state;
  // The old result stays until the new run has something to show.
  if (report !== undefined) {
    return cached(shownReport, report, () => ({ kind: 'report', view: viewOfReport(report), report }));
  }
  if (live !== undefined) return cached(shownLive, live, () => ({ kind: 'live', view: viewOfLive(live), live }));
  if (opened !== undefined || recorded === undefined) return NOTHING;
  return cached(shownRecorded, recorded, () => ({ kind: 'recorded', view: viewOfReport(recorded), report: recorded }));
}

/** The view that the figures draw; undefined when there is nothing to draw. */
export function selectView(state: AppState): TraceView | undefined {
  const shown = selectShown(state);
  return shown.kind === 'none' ? undefined : shown.view;
}

/** What the detail shows: what the person chose, or the first divergence, or where the run came closest to its bound. */
export function selectPlace(state: AppState): Place | undefined {
  const view = selectView(state);
  if (state.selection !== undefined || view === undefined) return state.selection;
  const known = places.get(view);
  if (known !== undefined) return known;
  const place = selectFirst(view) ?? selectClosest(view);
  if (place !== undefined) places.set(view, place);
  return place;
}

const maps = new WeakMap<TraceView, Map<string, MapData>>();

/** The map's data in the page's measure; the same trace and measure give the same object. */
export function selectMapData(state: AppState): MapData | undefined {
  const view = selectView(state);
  if (view === undefined) return undefined;
  const measure = measureOf(view, wishOf(state));
  const known = cached(maps, view, () => new Map<string, MapData>());
  const key = `${measure.basis} ${measure.unit}`;
  let data = known.get(key);
  if (data === undefined) {
    data = mapData(view, measure);
    known.set(key, data);
  }
  return data;
}

/** What the inspector shows: what lies under the pointer, else the place in hand. */
export function selectLooked(state: AppState): Place | undefined {
  return state.hover ?? selectPlace(state);
}

const news = new WeakMap<TraceView, ReadonlyMap<TabId, TabNews>>();

export function selectNews(state: AppState): ReadonlyMap<TabId, TabNews> | undefined {
  const shown = selectShown(state);
  if (shown.kind === 'none') return undefined;
  return cached(news, shown.view, () =>
    shown.kind === 'live'
      ? tabNews(shown.view, undefined)
      : tabNews(shown.view, shown.report.top, shown.report.decoded),
  );
}

/** The tab that is open: the one that was chosen, else the one with the most to say. */
export function selectTab(state: AppState): TabId {
  return state.tab ?? firstTab(selectNews(state) ?? new Map());
}

function cached<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = make();
  cache.set(key, value);
  return value;
}

const liveBases = new WeakMap<LiveTrace['spec'], TraceView>();

/** A new view around the same growing logs; what the run does not change is made once. */
function viewOfLive(live: LiveTrace): TraceView {
  return { ...cached(liveBases, live.spec, () => baseOfLive(live)) };
}

function baseOfLive(live: LiveTrace): TraceView {
  const { hparams } = live.model;
  return {
    nLayer: hparams.nLayer,
    nExpert: hparams.nExpert,
    nExpertUsed: hparams.nExpertUsed,
    layers: rangeOf(live.spec.layers, hparams.nLayer, 'layers'),
    positions: rangeOf(live.spec.positions, live.spec.tokens.length, 'positions'),
    tokenTexts: live.spec.tokens.map((id, i) => live.tokenTexts[i] ?? String(id)),
    engines: [live.spec.engines[0] ?? 'gpu', live.spec.engines[1] ?? 'cpu'],
    sides: [sideTitle(undefined, live.spec.engines[0]), sideTitle(undefined, live.spec.engines[1])],
    hparams,
    limits: limitsOf(live.spec.cosineLimit),
    rows: live.rows,
    routing: live.routing,
    tensorTypes: live.model.tensors.types,
    verdict: undefined,
  };
}

/** As typed; the engine is the one to complain, so a range that says nothing shows everything. */
function rangeOf(text: string, length: number, what: 'layers' | 'positions'): readonly number[] {
  try {
    return parseRange(text, length, what);
  } catch (error) {
    if (toErrorData(error).code !== 'plan-range') throw error;
    return Array.from({ length }, (_, i) => i);
  }
}

import { limitsOf } from '../divergence/limits';
import type { Report } from '../divergence/report';
import { viewOfReport, type TraceView } from '../plots/trace-view';
import { parseRange } from '../model/plan';
import { toErrorData } from '../base/errors';
import { neighbour, selectClosest, selectFirst, type Place } from '../plots/select-walk';
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

/** The next (1) or previous (-1) divergence from what is looked at. */
export function selectNeighbour(state: AppState, step: 1 | -1): Place | undefined {
  const view = selectView(state);
  return view === undefined ? undefined : neighbour(view, selectPlace(state), step);
}

function cached<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = make();
  cache.set(key, value);
  return value;
}

const liveBases = new WeakMap<LiveTrace['spec'], TraceView>();

/** A new view around the same growing arrays; what the run does not change is made once. */
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
    arms: [live.spec.arms[0] ?? 'gpu', live.spec.arms[1] ?? 'cpu'],
    limits: limitsOf(live.spec.cosineLimit),
    rows: live.rows,
    routing: live.routing,
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

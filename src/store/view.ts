import type { Report } from '../divergence/report';
import { viewOfReport, type TraceView } from '../plots/trace-view';
import { parseRange } from '../model/plan';
import { toErrorData } from '../base/errors';
import { neighbour, selectFirst, type Place } from '../plots/select-walk';
import type { AppState, LiveTrace } from './state';

/** What the page shows: the run under way, the finished one, or the recorded trace; nothing once another model is open. */
export type Shown =
  | { readonly kind: 'live'; readonly view: TraceView; readonly live: LiveTrace }
  | { readonly kind: 'report' | 'recorded'; readonly view: TraceView; readonly report: Report }
  | { readonly kind: 'none' };

const liveViews = new WeakMap<LiveTrace, TraceView>();
const reportViews = new WeakMap<Report, TraceView>();

/** Derived from the state; the same state gives the same object, so that figures are not drawn twice. */
export function selectShown(state: AppState): Shown {
  if (state.report !== undefined) return { kind: 'report', view: cachedView(state.report), report: state.report };
  if (state.live !== undefined) return { kind: 'live', view: viewOfLive(state.live), live: state.live };
  if (state.opened === undefined && state.recorded !== undefined) {
    return { kind: 'recorded', view: cachedView(state.recorded), report: state.recorded };
  }
  return { kind: 'none' };
}

/** The view that the figures draw; undefined when there is nothing to draw. */
export function selectView(state: AppState): TraceView | undefined {
  const shown = selectShown(state);
  return shown.kind === 'none' ? undefined : shown.view;
}

/** What the detail shows: what the person chose, or the first divergence, or the first headline stage. */
export function selectPlace(state: AppState): Place | undefined {
  const view = selectView(state);
  if (state.selection !== undefined || view === undefined) return state.selection;
  const first = selectFirst(view);
  if (first !== undefined) return first;
  const row = view.rows.find((r) => r.stage === 'moe_ffn_out') ?? view.rows[0];
  return row === undefined ? undefined : { layer: row.layer, stage: row.stage, position: undefined };
}

/** The next (1) or previous (-1) divergence from what is looked at. */
export function selectNeighbour(state: AppState, step: 1 | -1): Place | undefined {
  const view = selectView(state);
  return view === undefined ? undefined : neighbour(view, selectPlace(state), step);
}

function cachedView(report: Report): TraceView {
  const known = reportViews.get(report);
  if (known !== undefined) return known;
  const view = viewOfReport(report);
  reportViews.set(report, view);
  return view;
}

function viewOfLive(live: LiveTrace): TraceView {
  const known = liveViews.get(live);
  if (known !== undefined) return known;
  const { hparams } = live.model;
  const view: TraceView = {
    nLayer: hparams.nLayer,
    nExpert: hparams.nExpert,
    nExpertUsed: hparams.nExpertUsed,
    layers: rangeOf(live.spec.layers, hparams.nLayer, 'layers'),
    positions: rangeOf(live.spec.positions, live.spec.tokens.length, 'positions'),
    tokenTexts: live.spec.tokens.map((id, i) => live.tokenTexts[i] ?? String(id)),
    arms: [live.spec.arms[0] ?? 'gpu', live.spec.arms[1] ?? 'cpu'],
    limits: { cosine: live.spec.cosineLimit ?? 0.99, ratio: 1 },
    rows: live.rows,
    routing: live.routing,
    verdict: undefined,
  };
  liveViews.set(live, view);
  return view;
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

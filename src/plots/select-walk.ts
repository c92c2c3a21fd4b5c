import { inForwardOrder } from '../divergence/blame';
import type { Row } from '../divergence/report';
import { stageOrder, type StageId } from '../model/stages';
import { isFailing } from './row-verdict';
import { firstPlace, type TraceView } from './trace-view';

/** What is looked at: a stage of a layer (undefined: whole-model), perhaps at one position. */
export interface Place {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly position: number | undefined;
}

/** Everything that is not a match, in forward order, a place once: what "next" and "previous divergence" walk along. */
export function selectDivergences(view: TraceView): readonly Place[] {
  const places = new Map<string, Place>();
  for (const mode of ['isolated', 'free'] as const) {
    for (const row of inForwardOrder(view.rows, mode)) {
      const key = `${row.stage}@${String(row.layer)}`;
      const parted = isFailing(row) || row.verdict === 'victim' || row.verdict === 'after-flip';
      if (parted && !places.has(key)) {
        places.set(key, { layer: row.layer, stage: row.stage, position: row.worstPosition });
      }
    }
  }
  return [...places.values()].sort((x, y) => order(view, x) - order(view, y));
}

/** The place of the verdict. */
export function selectFirst(view: TraceView): Place | undefined {
  const first = firstPlace(view);
  return first === undefined ? undefined : { layer: first.layer, stage: first.stage, position: first.position };
}

/** Where the run came closest to its bound, or, without bounds, has its largest relative error. */
export function selectClosest(view: TraceView): Place | undefined {
  const by = (value: (row: Row) => number | undefined): Row | undefined =>
    view.rows.reduce<Row | undefined>(
      (best, row) => ((value(row) ?? -1) > (best === undefined ? -1 : (value(best) ?? -1)) ? row : best),
      undefined,
    );
  const row = by((r) => r.maxRatio) ?? by((r) => r.relL2) ?? view.rows[0];
  return row === undefined ? undefined : { layer: row.layer, stage: row.stage, position: row.worstPosition };
}

/** The neighbour of `from` among the divergences, in forward order, going round at the ends. */
export function neighbour(view: TraceView, from: Place | undefined, step: 1 | -1): Place | undefined {
  const places = selectDivergences(view);
  if (places.length === 0) return undefined;
  const at = from === undefined ? -1 : places.findIndex((p) => p.layer === from.layer && p.stage === from.stage);
  if (at >= 0) return places[(at + step + places.length) % places.length];
  if (from === undefined) return step === 1 ? places[0] : places[places.length - 1];
  const here = order(view, from);
  const after = places.findIndex((p) => order(view, p) > here);
  if (step === 1) return places[after < 0 ? 0 : after];
  return places[after <= 0 ? places.length - 1 : after - 1];
}

const STRIDE = 1000;

function order(view: TraceView, place: { readonly layer: number | undefined; readonly stage: StageId }): number {
  const stages = stageOrder(place.stage);
  if (place.layer !== undefined) return (place.layer + 1) * STRIDE + stages;
  return place.stage === 'embedding' ? stages : (view.nLayer + 1) * STRIDE + stages;
}

import type { Row } from '../divergence/report';
import type { StageId } from '../model/stages';
import { wrongPlaces } from './map/map-data';
import type { MapData } from './map/map-types';
import { firstPlace, type TraceView } from './trace-view';

/** What is looked at: a stage of a layer (undefined: whole-model), perhaps at one position. */
export interface Place {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly position: number | undefined;
}

export function samePlace(x: Place | undefined, y: Place | undefined): boolean {
  if (x === undefined || y === undefined) return x === y;
  return x.layer === y.layer && x.stage === y.stage && x.position === y.position;
}

/** The place of the verdict. */
export function selectFirst(view: TraceView): Place | undefined {
  const first = firstPlace(view);
  return first === undefined ? undefined : { layer: first.layer, stage: first.stage, position: first.position };
}

/** Where the run came closest to its bound, or, without bounds, has its largest relative error. */
export function selectClosest(view: TraceView): Place | undefined {
  const rows = view.rows.from(0);
  const by = (value: (row: Row) => number | undefined): Row | undefined =>
    rows.reduce<Row | undefined>(
      (best, row) => ((value(row) ?? -1) > (best === undefined ? -1 : (value(best) ?? -1)) ? row : best),
      undefined,
    );
  const row = by((r) => r.maxRatio) ?? by((r) => r.relL2) ?? rows[0];
  return row === undefined ? undefined : { layer: row.layer, stage: row.stage, position: row.worstPosition };
}

/** What is wrong by itself, in forward order, each at its worst token: what "next" and "previous" walk along. */
export function selectWrong(data: MapData): readonly Place[] {
  return wrongPlaces(data).map(({ layer, stage }) => {
    const { first } = data;
    const named = first?.layer === layer && first?.stage === stage ? first.position : undefined;
    return { layer, stage, position: named ?? data.row(data.measure.basis, stage, layer)?.worstPosition };
  });
}

/** The neighbour of `from` among what is wrong, in forward order, going round at the ends. */
export function neighbour(data: MapData, from: Place | undefined, step: 1 | -1): Place | undefined {
  const places = selectWrong(data);
  if (places.length === 0) return undefined;
  if (from === undefined) return step === 1 ? places[0] : places.at(-1);
  const at = places.findIndex((p) => p.layer === from.layer && p.stage === from.stage);
  if (at >= 0) return places[(at + step + places.length) % places.length];
  const here = orderOf(data, from);
  const after = places.findIndex((p) => orderOf(data, p) > here);
  if (step === 1) return places[after < 0 ? 0 : after];
  return places[after <= 0 ? places.length - 1 : after - 1];
}

/** A place's number in forward order. */
function orderOf(data: MapData, { layer, stage }: Place): number {
  const row = data.rows.findIndex((r) => r.stage === stage);
  if (layer !== undefined) return (data.layers.indexOf(layer) + 1) * (data.rows.length + 1) + row;
  const before = data.before.findIndex((r) => r.stage === stage);
  if (before >= 0) return before - data.before.length;
  return (data.layers.length + 2) * (data.rows.length + 1) + data.after.findIndex((r) => r.stage === stage);
}

/** One step over the map: a layer to the side, a row up or down. Whole-model stages are entered and left at the sides. */
export function stepFrom(data: MapData, from: Place, dx: number, dy: number): Place | undefined {
  const { rows, layers, before, after } = data;
  if (from.layer === undefined) {
    const ends = [...before, ...after];
    const at = ends.findIndex((r) => r.stage === from.stage);
    const next = at + dx;
    if (dx === 0) return undefined;
    const stage = rows.find((r) => r.headline)?.stage ?? rows[0]?.stage;
    const enters = dx > 0 ? at === before.length - 1 : at === before.length;
    if (enters && stage !== undefined) {
      return { layer: dx > 0 ? layers[0] : layers.at(-1), stage, position: from.position };
    }
    const end = ends[next];
    return end === undefined ? undefined : { layer: undefined, stage: end.stage, position: from.position };
  }
  const l = layers.indexOf(from.layer) + dx;
  const r = rows.findIndex((row) => row.stage === from.stage) + dy;
  if (l < 0 || l >= layers.length) {
    const end = l < 0 ? before.at(-1) : after[0];
    return end === undefined ? undefined : { layer: undefined, stage: end.stage, position: from.position };
  }
  const row = rows[Math.min(rows.length - 1, Math.max(0, r))];
  return row === undefined ? undefined : { layer: layers[l], stage: row.stage, position: from.position };
}

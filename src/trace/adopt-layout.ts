import type { Tap } from '../model/engine';
import { partsOf } from '../model/stages';
import { isHeadsFirst, joinedHeader, projectionWidths, splitTap, swapLeadingAxes } from './filed-layout';
import { createTrace, type Trace } from './trace';
import { locationKey } from '../model/location';

/**
 * Gives the unplaced taps of a foreign dump the shape and positions of the same taps in `like`, so that the two can be compared. As
 * many elements: the same positions. Fewer whole rows: the last positions, since such dumps hold the tokens just computed. Taps that
 * fit neither way stay unplaced. Rows that are placed are cut into heads as there. The payload is copied where files hold it in another order of axes. Joined projections are cut where
 * `like` holds their parts.
 */
export function adoptLayout(trace: Trace, like: Trace): Trace {
  const isJoined = (tap: Tap): boolean => partsOf(tap.stage).length > 1;
  const isLike = (tap: Tap, key: string): boolean => like.unplaced.has(key) || sameAxes(tap, like.taps.get(key));
  if (trace.unplaced.size === 0 && ![...trace.taps].some(([key, tap]) => isJoined(tap) || !isLike(tap, key))) {
    return trace;
  }
  const unplaced = new Set(trace.unplaced);
  const taps = [...trace.taps].flatMap(([key, tap]) => {
    const model = like.unplaced.has(key) ? undefined : (like.taps.get(key) ?? joinedIn(like, tap));
    const placed = unplaced.has(key) && model !== undefined ? place(tap, model) : undefined;
    if (placed !== undefined) unplaced.delete(key);
    const laidOut = placed ?? (unplaced.has(key) || model === undefined ? tap : split(tap, model));
    const widths =
      isJoined(tap) && !like.taps.has(key)
        ? projectionWidths(
            like.provenance.hparams,
            partsIn(like, tap).flatMap((part) => part ?? []),
          )
        : undefined;
    return widths === undefined || unplaced.has(key) ? [laidOut] : splitTap(laidOut, widths);
  });
  return createTrace(trace.provenance, taps, unplaced);
}

/** The taps of `like` that a joined one is cut into. */
function partsIn(like: Trace, { layer, stage }: Tap): readonly (Tap | undefined)[] {
  return partsOf(stage).map((part) => {
    const key = locationKey(layer, part);
    return like.unplaced.has(key) ? undefined : like.taps.get(key);
  });
}

function joinedIn(like: Trace, tap: Tap): Layout | undefined {
  return partsOf(tap.stage).length > 1 ? joinedHeader(tap.stage, partsIn(like, tap)) : undefined;
}

type Layout = Pick<Tap, 'shape' | 'positions'>;

/** Whether rows have the same axes. */
function sameAxes({ shape }: Layout, like: Layout | undefined): boolean {
  return like === undefined || shape.slice(1).join() === like.shape.slice(1).join();
}

/** Rows that are cut into heads as those of `like`, where they are as long. */
function split(tap: Tap, like: Layout): Tap {
  const length = ({ shape }: Layout): number => shape.slice(1).reduce((a, b) => a * b, 1);
  if (isHeadsFirst(tap.stage) || sameAxes(tap, like) || length(tap) !== length(like)) return tap;
  return { ...tap, shape: [tap.shape[0] ?? 0, ...like.shape.slice(1)] };
}

function place(tap: Tap, model: Layout): Tap | undefined {
  const [rowsOfModel = 0, heads = 0, keys = 0] = model.shape;
  const count = model.shape.reduce((a, b) => a * b, 1);
  const swaps = isHeadsFirst(tap.stage);
  if (tap.data.length === count) {
    const data = swaps ? swapLeadingAxes(tap.data, heads, rowsOfModel, keys) : tap.data;
    return { ...tap, data, shape: model.shape, positions: model.positions };
  }
  const rows = tap.data.length / (count / rowsOfModel);
  if (swaps || rows < 1 || !Number.isInteger(rows) || rows > model.positions.length) return undefined;
  return {
    ...tap,
    shape: model.shape.map((n, i) => (i === 0 ? rows : n)),
    positions: model.positions.slice(-rows),
  };
}

import type { Capture } from '../model/engine';
import { partsOf } from '../model/stages';
import { isHeadsFirst, joinedHeader, projectionWidths, splitCapture, swapLeadingAxes } from './filed-layout';
import { createTrace, type Trace } from './trace';
import { locationKey } from '../model/location';

/**
 * Gives the unplaced captures of a foreign dump the shape and positions of the same captures in `like`, so that the two can be compared. As
 * many elements: the same positions. Fewer whole rows: the last positions, since such dumps hold the tokens just computed. Captures that
 * fit neither way stay unplaced. Rows that are placed are cut into heads as there. The payload is copied where files hold it in another order of axes. Joined projections are cut where
 * `like` holds their parts.
 */
export function adoptLayout(trace: Trace, like: Trace): Trace {
  const isJoined = (captured: Capture): boolean => partsOf(captured.stage).length > 1;
  const isLike = (captured: Capture, key: string): boolean =>
    like.unplaced.has(key) || sameAxes(captured, like.captures.get(key));
  if (
    trace.unplaced.size === 0 &&
    ![...trace.captures].some(([key, captured]) => isJoined(captured) || !isLike(captured, key))
  ) {
    return trace;
  }
  const unplaced = new Set(trace.unplaced);
  const captures = [...trace.captures].flatMap(([key, captured]) => {
    const model = like.unplaced.has(key) ? undefined : (like.captures.get(key) ?? joinedIn(like, captured));
    const placed = unplaced.has(key) && model !== undefined ? place(captured, model) : undefined;
    if (placed !== undefined) unplaced.delete(key);
    const laidOut = placed ?? (unplaced.has(key) || model === undefined ? captured : split(captured, model));
    const widths =
      isJoined(captured) && !like.captures.has(key)
        ? projectionWidths(
            like.provenance.hparams,
            partsIn(like, captured).flatMap((part) => part ?? []),
          )
        : undefined;
    return widths === undefined || unplaced.has(key) ? [laidOut] : splitCapture(laidOut, widths);
  });
  return createTrace(trace.provenance, captures, unplaced);
}

/** The captures of `like` that a joined one is cut into. */
function partsIn(like: Trace, { layer, stage }: Capture): readonly (Capture | undefined)[] {
  return partsOf(stage).map((part) => {
    const key = locationKey(layer, part);
    return like.unplaced.has(key) ? undefined : like.captures.get(key);
  });
}

function joinedIn(like: Trace, captured: Capture): Layout | undefined {
  return partsOf(captured.stage).length > 1 ? joinedHeader(captured.stage, partsIn(like, captured)) : undefined;
}

type Layout = Pick<Capture, 'shape' | 'positions'>;

/** Whether rows have the same axes. */
function sameAxes({ shape }: Layout, like: Layout | undefined): boolean {
  return like === undefined || shape.slice(1).join() === like.shape.slice(1).join();
}

/** Rows that are cut into heads as those of `like`, where they are as long. */
function split(captured: Capture, like: Layout): Capture {
  const length = ({ shape }: Layout): number => shape.slice(1).reduce((a, b) => a * b, 1);
  if (isHeadsFirst(captured.stage) || sameAxes(captured, like) || length(captured) !== length(like)) return captured;
  return { ...captured, shape: [captured.shape[0] ?? 0, ...like.shape.slice(1)] };
}

function place(captured: Capture, model: Layout): Capture | undefined {
  const [rowsOfModel = 0, heads = 0, keys = 0] = model.shape;
  const count = model.shape.reduce((a, b) => a * b, 1);
  const swaps = isHeadsFirst(captured.stage);
  if (captured.data.length === count) {
    const data = swaps ? swapLeadingAxes(captured.data, heads, rowsOfModel, keys) : captured.data;
    return { ...captured, data, shape: model.shape, positions: model.positions };
  }
  const rows = captured.data.length / (count / rowsOfModel);
  if (swaps || rows < 1 || !Number.isInteger(rows) || rows > model.positions.length) return undefined;
  return {
    ...captured,
    shape: model.shape.map((n, i) => (i === 0 ? rows : n)),
    positions: model.positions.slice(-rows),
  };
}

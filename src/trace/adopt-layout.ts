import type { Tap } from '../model/engine';
import { positionAxis } from './stage-layout';
import { createTrace, type Trace } from './trace';

/**
 * Gives the unplaced taps of a foreign dump the shape and positions of the same taps in `like`, so that the two can be compared. As
 * many elements: the same positions. Fewer whole rows: the last positions, since such dumps hold the tokens just computed. Taps that
 * fit neither way stay unplaced. The payload is not copied.
 */
export function adoptLayout(trace: Trace, like: Trace): Trace {
  if (trace.unplaced.size === 0) return trace;
  const unplaced = new Set(trace.unplaced);
  const taps = [...trace.taps].map(([key, tap]) => {
    const model = like.unplaced.has(key) ? undefined : like.taps.get(key);
    const placed = unplaced.has(key) && model !== undefined ? place(tap, model) : undefined;
    if (placed !== undefined) unplaced.delete(key);
    return placed ?? tap;
  });
  return createTrace(trace.provenance, taps, unplaced);
}

function place(tap: Tap, model: Tap): Tap | undefined {
  const axis = positionAxis(tap.stage);
  if (tap.data.length === model.data.length) return { ...tap, shape: model.shape, positions: model.positions };
  const width = model.shape.reduce((product, n, i) => (i === axis ? product : product * n), 1);
  const rows = tap.data.length / width;
  if (axis !== 0 || rows < 1 || !Number.isInteger(rows) || rows > model.positions.length) return undefined;
  return {
    ...tap,
    shape: model.shape.map((n, i) => (i === axis ? rows : n)),
    positions: model.positions.slice(-rows),
  };
}

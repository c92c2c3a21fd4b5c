import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';

/** The part of a capture at these positions (all of which it must hold), bound included. The same capture when nothing is left out. */
export function selectPositions(captured: Capture, positions: readonly number[]): Capture {
  const unchanged =
    positions.length === captured.positions.length && positions.every((p, i) => p === captured.positions[i]);
  if (unchanged) return captured;
  const axis = stageSpec(captured.stage).shape.indexOf('nTokens');
  const outer = product(captured.shape.slice(0, axis));
  const inner = product(captured.shape.slice(axis + 1));
  const rows = positions.map((position) => {
    const row = captured.positions.indexOf(position);
    if (row < 0) throw new RangeError(`${captured.stage}: position ${position} was not captured`);
    return row;
  });
  const pick = <T extends Float32Array | Uint32Array>(from: T, to: T): T => {
    for (let o = 0; o < outer; o++) {
      for (const [i, row] of rows.entries()) {
        const at = (o * captured.positions.length + row) * inner;
        to.set(from.subarray(at, at + inner), (o * rows.length + i) * inner);
      }
    }
    return to;
  };
  const size = outer * rows.length * inner;
  return {
    ...captured,
    positions,
    shape: captured.shape.map((n, i) => (i === axis ? rows.length : n)),
    data:
      captured.data instanceof Float32Array
        ? pick(captured.data, new Float32Array(size))
        : pick(captured.data, new Uint32Array(size)),
    ...(captured.bound === undefined ? {} : { bound: pick(captured.bound, new Float32Array(size)) }),
  };
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}

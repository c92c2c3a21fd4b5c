import type { Tap } from '../model/engine';
import { stageSpec } from '../model/stages';

/** The part of a tap at these positions (all of which it must hold), bound included. The same tap when nothing is left out. */
export function selectPositions(tap: Tap, positions: readonly number[]): Tap {
  const unchanged = positions.length === tap.positions.length && positions.every((p, i) => p === tap.positions[i]);
  if (unchanged) return tap;
  const axis = stageSpec(tap.stage).shape.indexOf('nTokens');
  const outer = product(tap.shape.slice(0, axis));
  const inner = product(tap.shape.slice(axis + 1));
  const rows = positions.map((position) => {
    const row = tap.positions.indexOf(position);
    if (row < 0) throw new RangeError(`${tap.stage}: position ${position} was not captured`);
    return row;
  });
  const pick = <T extends Float32Array | Uint32Array>(from: T, to: T): T => {
    for (let o = 0; o < outer; o++) {
      for (const [i, row] of rows.entries()) {
        const at = (o * tap.positions.length + row) * inner;
        to.set(from.subarray(at, at + inner), (o * rows.length + i) * inner);
      }
    }
    return to;
  };
  const size = outer * rows.length * inner;
  return {
    ...tap,
    positions,
    shape: tap.shape.map((n, i) => (i === axis ? rows.length : n)),
    data:
      tap.data instanceof Float32Array ? pick(tap.data, new Float32Array(size)) : pick(tap.data, new Uint32Array(size)),
    ...(tap.bound === undefined ? {} : { bound: pick(tap.bound, new Float32Array(size)) }),
  };
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}

import type { Tap } from '../model/engine';
import { stageSpec } from '../model/stages';
import type { PositionLayout } from './compare-values';

/** The axis of a tap that its `positions` label. */
export function positionAxis(tap: Tap): number {
  return stageSpec(tap.stage).shape.indexOf('nTokens');
}

/** The axis that counts a token's chosen experts, or -1. */
export function slotAxis(tap: Tap): number {
  return stageSpec(tap.stage).shape.indexOf('nExpertUsed');
}

/** How the tap's data are cut into positions. */
export function positionLayout(tap: Tap): PositionLayout {
  const axis = positionAxis(tap);
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  return {
    outer: product(tap.shape.slice(0, axis)),
    positions: tap.shape[axis] ?? 1,
    inner: product(tap.shape.slice(axis + 1)),
  };
}

/** The index of a flat offset, with the prompt position in place of the row: [position, slot, channel], [head, position, key]. */
export function indexOf(tap: Tap, flat: number): readonly number[] {
  const index: number[] = [];
  let rest = flat;
  for (let axis = tap.shape.length - 1; axis >= 0; axis--) {
    const length = tap.shape[axis] ?? 1;
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  const axis = positionAxis(tap);
  return index.map((value, i) => (i === axis ? (tap.positions[value] ?? value) : value));
}

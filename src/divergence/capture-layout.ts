import type { Capture } from '../model/engine';
import { stageSpec } from '../model/stages';
import type { PositionLayout } from './compare-values';

/** The axis of a capture that its `positions` label. */
export function positionAxis(captured: Capture): number {
  return stageSpec(captured.stage).shape.indexOf('nTokens');
}

/** The axis that counts a token's chosen experts, or -1. */
export function slotAxis(captured: Capture): number {
  return stageSpec(captured.stage).shape.indexOf('nExpertUsed');
}

/** How the capture's data are cut into positions. */
export function positionLayout(captured: Capture): PositionLayout {
  const axis = positionAxis(captured);
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  return {
    outer: product(captured.shape.slice(0, axis)),
    positions: captured.shape[axis] ?? 1,
    inner: product(captured.shape.slice(axis + 1)),
  };
}

/** The index of a flat offset, with the prompt position in place of the row: [position, slot, channel], [head, position, key]. */
export function indexOf(captured: Capture, flat: number): readonly number[] {
  const index: number[] = [];
  let rest = flat;
  for (let axis = captured.shape.length - 1; axis >= 0; axis--) {
    const length = captured.shape[axis] ?? 1;
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  const axis = positionAxis(captured);
  return index.map((value, i) => (i === axis ? (captured.positions[value] ?? value) : value));
}

import type { Capture } from '../model/engine';
import { partsOf, stageSpec } from '../model/stages';
import { isHeadsFirst, projectionWidths, splitProjections, swapLeadingAxes } from './filed-layout';
import { createTrace, type Trace } from './trace';
import { CHOSEN_EXPERTS } from '../model/stage-roles';
import { locationKey } from '../model/location';

/**
 * Gives the unplaced captures of a foreign dump, which state only element counts, shapes and positions 0, 1, ... The chosen experts tell
 * the sizes: nExpertUsed is the largest number that cuts every layer's ids into rows of different experts, and the rest are tokens.
 * Without ids, or where a count does not fit, a capture stays one row. The payload is copied where files hold it in another order of axes.
 */
export function inferLayout(trace: Trace): Trace {
  if (trace.unplaced.size === 0) return trace;
  const ids = [...trace.captures.values()].filter((captured) => captured.stage === CHOSEN_EXPERTS);
  const count = ids[0]?.data.length ?? 0;
  if (count === 0 || ids.some((captured) => captured.data.length !== count)) return trace;
  const nExpertUsed = rowLength(ids, count);
  const nTokens = count / nExpertUsed;
  const unplaced = new Set(trace.unplaced);
  const captures = [...trace.captures].map(([key, captured]) => {
    const placed = unplaced.has(key) ? cut(captured, nTokens, nExpertUsed) : undefined;
    if (placed !== undefined) unplaced.delete(key);
    return placed ?? captured;
  });
  const placed = captures.filter((captured) => !unplaced.has(locationKey(captured.layer, captured.stage)));
  const parts = splitProjections(captures, projectionWidths(trace.provenance.hparams, placed));
  return createTrace(trace.provenance, parts, unplaced);
}

/** The longest row, dividing `count`, in which no layer's ids repeat; at least 1. */
function rowLength(ids: readonly Capture[], count: number): number {
  for (let length = count; length > 1; length--) {
    if (count % length === 0 && ids.every((captured) => rowsDiffer(captured.data, length))) return length;
  }
  return 1;
}

function rowsDiffer(data: Capture['data'], length: number): boolean {
  for (let at = 0; at < data.length; at += length) {
    if (new Set(data.subarray(at, at + length)).size !== length) return false;
  }
  return true;
}

/** The capture with its axes: tokens (queries and keys are as many), slots, and what is left for the one axis that is not known. */
function cut(captured: Capture, nTokens: number, nExpertUsed: number): Capture | undefined {
  const sizes = { nTokens, nKeys: nTokens, nExpertUsed } as const;
  const { shape } = stageSpec(captured.stage);
  // A joined stage has a row a token.
  const dims = shape.length === 0 && partsOf(captured.stage).length > 1 ? (['nTokens', 'nEmbd'] as const) : shape;
  // Heads and their channels cannot be told apart: all channels go to the last unknown axis.
  const known = dims.map((dim) => (dim === 'nTokens' || dim === 'nKeys' || dim === 'nExpertUsed' ? sizes[dim] : 1));
  const rest = captured.data.length / known.reduce((a, b) => a * b, 1);
  if (!Number.isInteger(rest) || rest < 1) return undefined;
  const free = dims.findLastIndex((dim) => dim !== 'nTokens' && dim !== 'nKeys' && dim !== 'nExpertUsed');
  if (free < 0 && rest !== 1) return undefined;
  const placed = known.map((n, axis) => (axis === free ? rest : n));
  const [tokens = 0, heads = 0, keys = 0] = placed;
  return {
    ...captured,
    data: isHeadsFirst(captured.stage) ? swapLeadingAxes(captured.data, heads, tokens, keys) : captured.data,
    shape: placed,
    positions: Array.from({ length: nTokens }, (_, i) => i),
  };
}

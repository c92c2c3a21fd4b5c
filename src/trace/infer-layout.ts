import type { Tap } from '../model/engine';
import { partsOf, stageSpec } from '../model/stages';
import { isHeadsFirst, projectionWidths, splitProjections, swapLeadingAxes } from './filed-layout';
import { createTrace, type Trace } from './trace';
import { CHOSEN_EXPERTS } from '../model/stage-roles';
import { locationKey } from '../model/location';

/**
 * Gives the unplaced taps of a foreign dump, which state only element counts, shapes and positions 0, 1, ... The chosen experts tell
 * the sizes: nExpertUsed is the largest number that cuts every layer's ids into rows of different experts, and the rest are tokens.
 * Without ids, or where a count does not fit, a tap stays one row. The payload is copied where files hold it in another order of axes.
 */
export function inferLayout(trace: Trace): Trace {
  if (trace.unplaced.size === 0) return trace;
  const ids = [...trace.taps.values()].filter((tap) => tap.stage === CHOSEN_EXPERTS);
  const count = ids[0]?.data.length ?? 0;
  if (count === 0 || ids.some((tap) => tap.data.length !== count)) return trace;
  const nExpertUsed = rowLength(ids, count);
  const nTokens = count / nExpertUsed;
  const unplaced = new Set(trace.unplaced);
  const taps = [...trace.taps].map(([key, tap]) => {
    const placed = unplaced.has(key) ? cut(tap, nTokens, nExpertUsed) : undefined;
    if (placed !== undefined) unplaced.delete(key);
    return placed ?? tap;
  });
  const placed = taps.filter((tap) => !unplaced.has(locationKey(tap.layer, tap.stage)));
  const parts = splitProjections(taps, projectionWidths(trace.provenance.hparams, placed));
  return createTrace(trace.provenance, parts, unplaced);
}

/** The longest row, dividing `count`, in which no layer's ids repeat; at least 1. */
function rowLength(ids: readonly Tap[], count: number): number {
  for (let length = count; length > 1; length--) {
    if (count % length === 0 && ids.every((tap) => rowsDiffer(tap.data, length))) return length;
  }
  return 1;
}

function rowsDiffer(data: Tap['data'], length: number): boolean {
  for (let at = 0; at < data.length; at += length) {
    if (new Set(data.subarray(at, at + length)).size !== length) return false;
  }
  return true;
}

/** The tap with its axes: tokens (queries and keys are as many), slots, and what is left for the one axis that is not known. */
function cut(tap: Tap, nTokens: number, nExpertUsed: number): Tap | undefined {
  const sizes = { nTokens, nKeys: nTokens, nExpertUsed } as const;
  const { shape } = stageSpec(tap.stage);
  // A joined stage has a row a token.
  const dims = shape.length === 0 && partsOf(tap.stage).length > 1 ? (['nTokens', 'nEmbd'] as const) : shape;
  // Heads and their channels cannot be told apart: all channels go to the last unknown axis.
  const known = dims.map((dim) => (dim === 'nTokens' || dim === 'nKeys' || dim === 'nExpertUsed' ? sizes[dim] : 1));
  const rest = tap.data.length / known.reduce((a, b) => a * b, 1);
  if (!Number.isInteger(rest) || rest < 1) return undefined;
  const free = dims.findLastIndex((dim) => dim !== 'nTokens' && dim !== 'nKeys' && dim !== 'nExpertUsed');
  if (free < 0 && rest !== 1) return undefined;
  const placed = known.map((n, axis) => (axis === free ? rest : n));
  const [tokens = 0, heads = 0, keys = 0] = placed;
  return {
    ...tap,
    data: isHeadsFirst(tap.stage) ? swapLeadingAxes(tap.data, heads, tokens, keys) : tap.data,
    shape: placed,
    positions: Array.from({ length: nTokens }, (_, i) => i),
  };
}

import { atOnce, PIECE_VALUES, type Pieces } from '../base/pieces';
import type { Capture } from '../model/engine';
import { positionLayout, slotAxis } from './capture-layout';

/** The candidate's data in the reference's slot order, and which elements have no counterpart. */
export interface AlignedCapture {
  readonly data: Float32Array | Uint32Array;
  /** 1 where b's expert was not chosen by a; undefined when every slot has its counterpart. */
  readonly skip: Uint8Array | undefined;
  /** Rows of positions where the engines share no expert, so that nothing can be compared. */
  readonly unshared: ReadonlySet<number>;
  /** Values of a that are not finite where b has no counterpart: they have no place in `data` and must not disappear. */
  readonly stray: StrayValues | undefined;
}

/** What is not finite in slots whose experts the other engine did not choose. */
export interface StrayValues {
  readonly nan: number;
  readonly inf: number;
  /** The prompt position of the first. */
  readonly position: number;
}

/** A capture that is compared as it is. */
export function unaligned({ data }: Capture): AlignedCapture {
  return { data, skip: undefined, unshared: new Set(), stray: undefined };
}

/**
 * Two engines can choose the same experts in another order when their weights nearly tie, so values that are kept by slot are compared
 * by expert id. Captures without a slot axis, and captures for which the choices are not known, come back as they are.
 * Shapes: capture (positions, nExpertUsed, ...), indices (positions, nExpertUsed).
 */
export function alignSlots(a: Capture, indicesA: Capture | undefined, indicesB: Capture | undefined): AlignedCapture {
  return atOnce(alignInPieces(a, indicesA, indicesB));
}

/** {@link alignSlots} that can be left. */
export function* alignInPieces(
  a: Capture,
  indicesA: Capture | undefined,
  indicesB: Capture | undefined,
): Pieces<AlignedCapture> {
  if (slotAxis(a) !== 1 || indicesA === undefined || indicesB === undefined) return unaligned(a);
  const k = a.shape[1] ?? 0;
  const { positions, inner } = positionLayout(a);
  const width = inner / k;
  const aligned = new Float32Array(a.data.length);
  const skip = new Uint8Array(a.data.length);
  const unshared = new Set<number>();
  let stray: StrayValues | undefined;
  let skipped = false;
  let moved = false;
  const rowsAtOnce = Math.max(1, Math.floor(PIECE_VALUES / Math.max(1, inner)));
  for (let row = 0; row < positions; row++) {
    if (row % rowsAtOnce === 0) yield;
    const position = a.positions[row] ?? 0;
    const chosenA = choices(indicesA, position, k);
    const chosenB = choices(indicesB, position, k);
    const used = new Set<number>();
    for (let slot = 0; slot < k; slot++) {
      const expert = chosenB?.[slot];
      const from = expert === undefined || chosenA === undefined ? slot : chosenA.indexOf(expert);
      const to = (row * k + slot) * width;
      if (from < 0) {
        skip.fill(1, to, to + width);
        skipped = true;
        continue;
      }
      used.add(from);
      if (from !== slot) moved = true;
      aligned.set(a.data.subarray((row * k + from) * width, (row * k + from + 1) * width), to);
    }
    if (used.size === 0) unshared.add(row);
    for (let slot = 0; slot < k; slot++) {
      if (!used.has(slot)) stray = withStray(stray, a.data, (row * k + slot) * width, width, position);
    }
  }
  return { data: moved || skipped ? aligned : a.data, skip: skipped ? skip : undefined, unshared, stray };
}

function withStray(
  found: StrayValues | undefined,
  data: Capture['data'],
  start: number,
  length: number,
  position: number,
): StrayValues | undefined {
  let nan = 0;
  let inf = 0;
  for (let i = start; i < start + length; i++) {
    const x = data[i]!;
    if (x !== x) nan++;
    else if (x - x !== 0) inf++;
  }
  if (nan + inf === 0) return found;
  return { nan: (found?.nan ?? 0) + nan, inf: (found?.inf ?? 0) + inf, position: found?.position ?? position };
}

function choices(indices: Capture, position: number, k: number): Float32Array | Uint32Array | undefined {
  const row = indices.positions.indexOf(position);
  return row < 0 ? undefined : indices.data.subarray(row * k, (row + 1) * k);
}

import type { Capture } from '../model/engine';
import { locationKey } from '../model/location';
import { stageSpec } from '../model/stages';
import { formatError } from './format-error';
import { positionAxis } from './stage-layout';

/**
 * Which prompt positions the rows of an array are. A dump of one run has arrays of the whole prompt and, where only the last token's
 * logits were wanted, of the last token alone: llama.cpp then computes one row from the last layer's attention on.
 * @param rows of the array
 * @param nTokens tokens of the prompt: as the dump says, or else the longest of its arrays
 * @throws TracerError `trace-format` where it cannot be known
 */
export function placeRows(rows: number, nTokens: number, isStated: boolean, place: string): readonly number[] {
  // The prompt is stated: a dump holds the tokens that were computed last.
  const isPlaceable = rows === nTokens || rows === 1 || (isStated && rows < nTokens);
  if (!isPlaceable) {
    throw formatError(
      place,
      `${nTokens} rows as ${isStated ? 'the prompt has tokens' : 'the longest array of the dump'}, or the last one`,
      `${rows}`,
      'Which tokens these are cannot be known. Put the prompt beside the arrays: index.json with {"tokens": [...]}; fewer rows are then its last.',
    );
  }
  return Array.from({ length: rows }, (_, i) => nTokens - rows + i);
}

/** Captures where they belong, and those of which it is not known. */
export interface PlacedCaptures {
  readonly captures: readonly Capture[];
  /** As `Trace.unplaced`. */
  readonly unplaced: ReadonlySet<string>;
}

/**
 * The captures of one dump at the positions that their rows are: see {@link placeRows}. Where every array has one row and nobody tells the prompt,
 * that may be any token: it stays to be seen beside what the dump is compared with.
 * @param tokens the prompt, where the dump tells it
 */
export function placeCaptures(
  captures: readonly Capture[],
  tokens: readonly number[] | undefined,
  place: string,
): PlacedCaptures {
  const rowsOf = (captured: Capture): number => captured.shape[positionAxis(captured.stage)] ?? 0;
  const longest = captures.reduce((most, captured) => Math.max(most, rowsOf(captured)), 0);
  const placed = captures.map((captured) => {
    const at = `${place}: ${captured.stage}${captured.layer === undefined ? '' : ` of layer ${captured.layer}`}`;
    const placed = {
      ...captured,
      positions: placeRows(rowsOf(captured), tokens?.length ?? longest, tokens !== undefined, at),
    };
    return withoutPadding(placed);
  });
  const isAny = tokens === undefined && longest === 1;
  return {
    captures: placed,
    unplaced: new Set(isAny ? placed.map((captured) => locationKey(captured.layer, captured.stage)) : []),
  };
}

/** Attention over keys that ggml has padded, without what no position can see. */
function withoutPadding(captured: Capture): Capture {
  const axis = stageSpec(captured.stage).shape.indexOf('nKeys');
  const padded = captured.shape[axis] ?? 0;
  const nKeys = (captured.positions.at(-1) ?? 0) + 1;
  // Keys are the fastest axis.
  if (axis < 0 || axis !== captured.shape.length - 1 || padded <= nKeys || !(captured.data instanceof Float32Array))
    return captured;
  const rows = captured.data.length / padded;
  const data = new Float32Array(rows * nKeys);
  for (let row = 0; row < rows; row++)
    data.set(captured.data.subarray(row * padded, row * padded + nKeys), row * nKeys);
  return { ...captured, shape: captured.shape.map((n, i) => (i === axis ? nKeys : n)), data };
}

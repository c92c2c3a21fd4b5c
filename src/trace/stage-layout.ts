import type { Capture } from '../model/engine';
import { stageSpec, type StageId } from '../model/stages';
import { latentRows } from './filed-layout';
import { formatError } from './format-error';

/** A capture's payload: f32, or u32 for an index stage. */
export type CaptureData = Capture['data'];

/** The axis that positions label: the stage table's `nTokens`. */
export function positionAxis(stage: StageId): number {
  return Math.max(0, stageSpec(stage).shape.indexOf('nTokens'));
}

/** Axes of a stage's captures. Stages that a Qwen3-MoE model does not have, as a dense model's dump holds, are (nTokens, channels). */
function rankOf(stage: StageId): number {
  return stageSpec(stage).shape.length || 2;
}

/**
 * The axes that a stage has here, of those that a file gives its tensor: axes of length 1 before and behind are left out, what is too much is
 * joined to the last, heads that lie side by side are one, and the state of a recurrence without tokens is that of one. What does not fit
 * even so stays as it is, and is refused by {@link checkCapture}.
 * @param nTokens of the prompt, where it is known: an axis that is longer is none of tokens
 */
export function fittedAxes(stage: StageId, shape: readonly number[], nTokens = Infinity): readonly number[] {
  const rank = rankOf(stage);
  const [first = 0, second = 0] = shape;
  const isByKey = positionAxis(stage) !== 0 || stageSpec(stage).shape.includes('nKeys');
  if (shape.length > rank) {
    if (first === 1 && (isByKey || second <= nTokens)) return fittedAxes(stage, shape.slice(1), nTokens);
    if (shape.at(-1) === 1) return fittedAxes(stage, shape.slice(0, -1), nTokens);
    return isByKey ? shape : [...shape.slice(0, rank - 1), shape.slice(rank - 1).reduce((a, b) => a * b, 1)];
  }
  if (isByKey || shape.length !== rank - 1) return shape;
  return rank > 3 ? [1, ...shape] : rank === 3 ? [first, 1, second] : shape;
}

/** A file's tensor with the axes that its stage has here, latent attention's heads joined to one row a token. @param nTokens as for {@link fittedAxes} */
export function fittedTensor<T extends Pick<Capture, 'stage' | 'shape' | 'data'>>(found: T, nTokens?: number): T {
  const tensor = latentRows(found);
  return { ...tensor, shape: fittedAxes(tensor.stage, tensor.shape, nTokens) };
}

/** One row at position 0, of the stage's rank: what a file that states only an element count is read as. */
export function singleRow(stage: StageId, count: number): readonly number[] {
  const rank = rankOf(stage);
  return Array.from({ length: rank }, (_, axis) => (axis === rank - 1 ? count : 1));
}

/**
 * Checks that stage, layer, shape, positions and payload of a capture belong together.
 * @throws TracerError `trace-format` naming the place.
 */
export function checkCapture(captured: Capture, place: string): Capture {
  const spec = stageSpec(captured.stage);
  const isLayerStage = spec.scope === 'layer';
  if (isLayerStage !== (captured.layer !== undefined)) {
    throw formatError(
      place,
      isLayerStage ? `a layer for stage ${captured.stage}` : `no layer for stage ${captured.stage}`,
      String(captured.layer),
    );
  }
  const rank = rankOf(captured.stage);
  if (captured.shape.length !== rank)
    throw formatError(`${place}, shape`, `${rank} axes for stage ${captured.stage}`, `[${captured.shape.join(', ')}]`);
  const count = captured.shape.reduce((a, b) => a * b, 1);
  if (count !== captured.data.length)
    throw formatError(`${place}, data`, `${count} elements as the shape says`, `${captured.data.length}`);
  if (captured.bound !== undefined && captured.bound.length !== count) {
    throw formatError(`${place}, bound`, `${count} elements as the shape says`, `${captured.bound.length}`);
  }
  const rows = captured.shape[positionAxis(captured.stage)] ?? 0;
  if (captured.positions.length !== rows)
    throw formatError(`${place}, positions`, `${rows} positions as the shape says`, `${captured.positions.length}`);
  const disorder = captured.positions.findIndex((p, i) => i > 0 && p <= (captured.positions[i - 1] ?? 0));
  if (disorder >= 0)
    throw formatError(
      `${place}, positions`,
      'ascending positions',
      `${captured.positions[disorder]} after ${captured.positions[disorder - 1]}`,
    );
  return captured;
}

/**
 * Expert ids stored as numbers of any type, as the u32 of an index stage.
 * @param ids where they go: new memory, or that of `values` where these are of four bytes each and nobody else's
 * @throws TracerError `trace-format` at the first value that is not an expert id.
 */
export function expertIds(
  values: ArrayLike<number>,
  place: string,
  ids = new Uint32Array(values.length),
): Uint32Array<ArrayBuffer> {
  for (let i = 0; i < values.length; i++) ids[i] = expertId(values[i] ?? NaN, i, place);
  return ids;
}

/** One of them. @throws TracerError `trace-format` */
export function expertId(value: number, i: number, place: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw formatError(`${place}, element ${i}`, 'an expert id', String(value));
  }
  return value;
}

import type { ModelGraph } from '../arch/graph';
import { fail } from '../base/errors';
import type { CaptureRequest } from './engine';
import type { HParams } from './hparams';

/*
 * What every engine asks of a step before it computes anything: both refuse the same things in the same words.
 */

/** @throws TracerError `prompt-empty`, `prompt-token`. */
export function checkTokens(tokens: ArrayLike<number>, nVocab: number): void {
  if (tokens.length === 0) {
    throw fail('prompt-empty', 'The prompt has no tokens.', 'Type a prompt, or give token ids.', { nTokens: 0 });
  }
  checkTokenIds(tokens, nVocab);
}

/** Every id must be one of the vocabulary; there may be none. @throws TracerError `prompt-token`. */
export function checkTokenIds(tokens: ArrayLike<number>, nVocab: number): void {
  const last = nVocab - 1;
  for (let i = 0; i < tokens.length; i++) {
    const id = tokens[i] ?? NaN;
    if (Number.isInteger(id) && id >= 0 && id <= last) continue;
    throw fail(
      'prompt-token',
      `Token ${i} has id ${id}; the vocabulary ends at ${last}.`,
      `Give ids from 0 to ${last}, or use the tokenizer of this model.`,
      { index: i, actual: id, limit: last },
    );
  }
}

/** A step continues what is kept: any positions of keys and values, but a recurrence only where it ended. @throws TracerError `internal`. */
export function checkPast({ layers }: Pick<ModelGraph, 'layers'>, nPast: number, kept: number): void {
  if (nPast > kept) {
    throw fail('internal', `Only ${kept} positions are kept; ${nPast} were asked for.`, 'Begin afresh with nPast 0.');
  }
  const reaches = layers.some(({ nodes }) => nodes.some(({ writes }) => writes?.reach !== undefined));
  if (nPast === 0 || nPast === kept || !reaches) return;
  throw fail(
    'internal',
    `State is kept of position ${kept}; a recurrence cannot go on from ${nPast}.`,
    'Begin afresh with nPast 0.',
  );
}

/** Every captured position must belong to the step, in ascending order. @throws TracerError `plan-range`. */
export function checkCapture(capture: CaptureRequest, nPast: number, nTokens: number): void {
  const end = nPast + nTokens;
  for (const [stage, positions] of capture) {
    const wrong = positions.find(
      (p, i) => !Number.isInteger(p) || p < nPast || p >= end || p <= (positions[i - 1] ?? -1),
    );
    if (wrong === undefined) continue;
    throw fail(
      'plan-range',
      `Position ${wrong} of ${stage} cannot be captured; this step has positions ${nPast} to ${end - 1}, and they must ascend.`,
      'Choose positions inside the prompt.',
      { stage, position: wrong, first: nPast, end },
    );
  }
}

/** Forced experts must fit the step. @throws TracerError `internal`. */
export function checkForcedExperts(
  forced: Uint32Array | undefined,
  nTokens: number,
  hparams: Pick<HParams, 'nExpert' | 'nExpertUsed'>,
): void {
  if (forced === undefined) return;
  const length = nTokens * hparams.nExpertUsed;
  const outside = forced.find((expert) => expert >= hparams.nExpert);
  if (forced.length === length && outside === undefined) return;
  throw fail(
    'internal',
    outside === undefined
      ? `${forced.length} experts are forced on a step that chooses ${length}.`
      : `Expert ${outside} is forced; the model has ${hparams.nExpert}.`,
    'Force (nTokens, nExpertUsed) experts below nExpert.',
    { expected: length, actual: forced.length },
  );
}

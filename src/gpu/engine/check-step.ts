import { fail } from '../../base/errors';
import type { CaptureRequest } from '../../model/engine';
import type { HParams } from '../../model/hparams';

/** @throws TracerError `prompt-empty`, `prompt-token`. */
export function checkTokens(tokens: Uint32Array, hparams: HParams): void {
  if (tokens.length === 0) throw fail('prompt-empty', 'The prompt has no tokens.', 'Give at least one token.');
  const outside = tokens.find((token) => token >= hparams.nVocab);
  if (outside === undefined) return;
  throw fail(
    'prompt-token',
    `Token ${outside} is not in the vocabulary of ${hparams.nVocab}.`,
    'Use the tokenizer of this model.',
    { token: outside, nVocab: hparams.nVocab },
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
export function checkForcedExperts(forced: Uint32Array | undefined, nTokens: number, hparams: HParams): void {
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

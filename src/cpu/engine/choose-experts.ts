import { fail } from '../../base/errors';
import type { StageOutput, Step } from './step';

/**
 * The caller's experts when the step forces them, else what `choose` writes: (nTokens, nExpertUsed).
 * @throws TracerError `internal` when forced experts do not fit the step.
 */
export function forcedOrTopK(step: Step, choose: (experts: Uint32Array<ArrayBuffer>) => void): StageOutput {
  const { nExpert, nExpertUsed } = step.hparams;
  const length = step.nTokens * nExpertUsed;
  const forced = step.options.forcedExperts;
  if (forced === undefined) {
    const experts = new Uint32Array(length);
    choose(experts);
    return { values: experts, tokens: 'all' };
  }
  const outside = forced.find((expert) => expert >= nExpert);
  if (forced.length !== length || outside !== undefined) {
    throw fail(
      'internal',
      outside === undefined
        ? `${forced.length} experts are forced on a step that chooses ${length}.`
        : `Expert ${outside} is forced; the model has ${nExpert}.`,
      'Force (nTokens, nExpertUsed) experts below nExpert.',
      { expected: length, actual: forced.length },
    );
  }
  return { values: forced.slice(), tokens: 'all' };
}

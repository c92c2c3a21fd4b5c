import { checkForcedExperts } from '../../model/check-step';
import type { StageOutput, Step } from './step';

/**
 * The caller's experts when the step forces them, else what `choose` writes: (nTokens, nExpertUsed).
 * @throws TracerError `internal` when forced experts do not fit the step.
 */
export function forcedOrTopK(step: Step, choose: (experts: Uint32Array<ArrayBuffer>) => void): StageOutput {
  const { hparams, nTokens } = step;
  const forced = step.options.forcedExperts;
  checkForcedExperts(forced, nTokens, hparams);
  if (forced !== undefined) return { values: forced.slice(), tokens: 'all' };
  const experts = new Uint32Array(nTokens * hparams.nExpertUsed);
  choose(experts);
  return { values: experts, tokens: 'all' };
}

import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import { attentionPlan, methodsUpTo, type AttentionMethod } from '../../fusions/attention/attention-plan';
import type { DecodeChoice } from '../../fusions/choice';
import { defaultChoice } from './decode-choice';
import { compileToken } from './decode-graph';
import { tryPlan } from './decode-plan';
import type { DecodeWeights } from './decode-weights';
import { allMethods } from './tune-attention';
import { knownChoice, TUNED_LAYERS, methodsOf, type TuningStore } from './tuner';

/** More than any context holds. */
const MOST_KEYS = 2 ** 31;

export interface WarmOptions {
  readonly context: GpuContext;
  readonly hparams: HParams;
  /** Where matrices will lie; what their buffers hold does not matter. */
  readonly weights: DecodeWeights;
  readonly store?: TuningStore | undefined;
  /** As the tuner's. */
  readonly onSoftware?: boolean;
}

/**
 * Compiles what `tuneDecode` will time and `createDecoder` will run, so that neither waits for the driver: beside the reading of weights. With a
 * choice kept from before, only that. What fails to compile is met again where it is needed.
 */
export async function warmDecode(options: WarmOptions): Promise<void> {
  const { context, hparams, weights } = options;
  const usual = await defaultChoice(context);
  const known = knownChoice(options, usual);
  const tuned = { ...hparams, nLayer: Math.min(TUNED_LAYERS, hparams.nLayer) };
  const compile = async (of: HParams, choice: DecodeChoice, method: AttentionMethod): Promise<void> => {
    const plan = tryPlan({ context, hparams: of, weights, choice });
    if ('parts' in plan) await compileToken({ context, plan, method });
  };
  const pending: Promise<void>[] = [];
  if (known === undefined) {
    const { method: first } = attentionPlan(hparams, usual.attention, 1);
    pending.push(compile(hparams, usual, first));
    for (const { choice } of methodsOf(usual)) pending.push(compile(tuned, choice, first));
    for (const method of allMethods(usual.attention))
      pending.push(compile(tuned, usual, attentionPlan(hparams, [{ from: 1, method }], MOST_KEYS).method));
  } else
    for (const method of methodsUpTo(hparams, known.attention, MOST_KEYS))
      pending.push(compile(hparams, known, method));
  await Promise.allSettled(pending);
}

import type { ModelStageId } from '../../model/stages';
import { joinChannels } from './join-channels';
import { normGroups } from './norm-groups';
import { capturedPositions, wantsMagnitudes, type StageOutput, type Step } from './step';

/** What each whole-model stage computes. */
export const MODEL_STAGE_FUNCTIONS: Record<ModelStageId, (step: Step) => Promise<StageOutput>> = {
  embedding: async (step) => ({ values: await step.weights.rows('token_embd', step.tokens), tokens: 'all' }),

  final_norm: async (step) => {
    const { nEmbd, rmsEps } = step.hparams;
    const weight = await step.weights.vector('output_norm');
    return { values: normGroups(step.values.float('layer_input'), nEmbd, 0, nEmbd, weight, rmsEps), tokens: 'all' };
  },

  /** Only at the captured positions: the head is the largest matrix of all. */
  lm_head: async (step) => {
    const { nEmbd } = step.hparams;
    const positions = capturedPositions(step, 'lm_head');
    const normed = step.values.float('final_norm');
    const x = new Float64Array(positions.length * nEmbd);
    for (const [i, position] of positions.entries()) {
      const from = (position - step.nPast) * nEmbd;
      x.set(normed.subarray(from, from + nEmbd), i * nEmbd);
    }
    const [output] = await step.weights.matmul(['output'], x, wantsMagnitudes(step, 'lm_head'));
    const joined = joinChannels(output === undefined ? [] : [output], positions.length);
    return { ...joined, tokens: 'captured' };
  },
};

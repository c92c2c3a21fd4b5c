import type { LayerStageId } from '../../model/stages';
import { add } from '../kernels/add';
import { renormalise } from '../kernels/renormalise';
import { rope } from '../kernels/rope';
import { softmax } from '../kernels/softmax';
import { swiglu } from '../kernels/swiglu';
import { topK } from '../kernels/top-k';
import { weightedSum } from '../kernels/weighted-sum';
import { attentionOutput, capturedAttention, scoreRow, softmaxRow } from './attention-rows';
import { joinChannels } from './join-channels';
import { normGroups } from './norm-groups';
import { forcedOrTopK } from './choose-experts';
import { wantsMagnitudes, type StageOutput, type Step } from './step';

type StageFunction = (step: Step) => StageOutput | Promise<StageOutput>;

const ATTENTION_INPUTS = ['attn_q', 'attn_k', 'attn_v'] as const;
const EXPERT_MATRICES = ['ffn_gate_exps', 'ffn_up_exps', 'ffn_down_exps'] as const;

/** What each stage of a layer computes, in the order of the stage table. */
export const LAYER_STAGE_FUNCTIONS: Record<LayerStageId, StageFunction> = {
  attn_norm: (step) => {
    step.weights.expectMatmul(ATTENTION_INPUTS, false);
    step.weights.expectMatmul(['attn_output'], false);
    step.weights.expectMatmul(['ffn_gate_inp'], false);
    return normTokens(step, 'attn_norm', step.values.float('layer_input'));
  },

  qkv_matmul: async (step) => {
    const x = step.values.float('attn_norm');
    return joinChannels(
      await step.weights.matmul(ATTENTION_INPUTS, x, wantsMagnitudes(step, 'qkv_matmul')),
      step.nTokens,
    );
  },

  q_norm: async (step) => {
    const { nHead, headDim, rmsEps } = step.hparams;
    const weight = await step.weights.vector('attn_q_norm');
    return all(normGroups(step.values.float('qkv_matmul'), qkvDim(step), 0, nHead * headDim, weight, rmsEps));
  },

  k_norm: async (step) => {
    const { qDim, kvDim, rmsEps } = step.hparams;
    const weight = await step.weights.vector('attn_k_norm');
    return all(normGroups(step.values.float('qkv_matmul'), qkvDim(step), qDim, kvDim, weight, rmsEps));
  },

  q_post_rope: (step) => all(rotate(step, step.values.float('q_norm'), step.hparams.nHead)),

  k_post_rope: (step) => {
    const keys = rotatedKeys(step);
    keepKeysAndValues(step, keys);
    return all(keys);
  },

  attn_scores: (step) => {
    const nKeys = step.nPast + step.nTokens;
    return capturedAttention(step, 'attn_scores', (attention, head, token, out, at) => {
      scoreRow(step, attention, head, token, nKeys, out, at);
    });
  },

  attn_softmax: (step) =>
    capturedAttention(step, 'attn_softmax', (attention, head, token, out, at) => {
      softmaxRow(step, attention, head, token, out, at);
    }),

  attention: (step) => attentionOutput(step),

  attn_out: async (step) =>
    joinChannels(
      await step.weights.matmul(['attn_output'], step.values.float('attention'), wantsMagnitudes(step, 'attn_out')),
      step.nTokens,
    ),

  post_attn_residual: (step) => all(add(step.values.float('layer_input'), step.values.float('attn_out'))),

  ffn_norm: (step) => normTokens(step, 'ffn_norm', step.values.float('post_attn_residual')),

  moe_router_logits: async (step) =>
    joinChannels(
      await step.weights.matmul(
        ['ffn_gate_inp'],
        step.values.float('ffn_norm'),
        wantsMagnitudes(step, 'moe_router_logits'),
      ),
      step.nTokens,
    ),

  moe_router_probs: (step) => {
    const { nExpert } = step.hparams;
    const probs = step.values.float('moe_router_logits').slice();
    for (let t = 0; t < step.nTokens; t++) softmax(probs, t * nExpert, nExpert);
    return all(probs);
  },

  moe_router_indices: (step) => {
    const chosen = forcedOrTopK(step, (experts) => {
      const { nExpert, nExpertUsed } = step.hparams;
      const probs = step.values.float('moe_router_probs');
      for (let t = 0; t < step.nTokens; t++) topK(probs, t * nExpert, nExpert, nExpertUsed, experts, t * nExpertUsed);
    });
    // From here on it is known what this layer still reads; then comes the next one.
    for (const role of EXPERT_MATRICES) step.weights.expectExperts(role, Uint32Array.from(chosen.values));
    step.weights.expectMatmul(ATTENTION_INPUTS, true);
    return chosen;
  },

  moe_router: (step) => {
    const { nExpert, nExpertUsed } = step.hparams;
    const probs = step.values.float('moe_router_probs');
    const experts = step.values.experts();
    const weights = new Float64Array(step.nTokens * nExpertUsed);
    for (let t = 0; t < step.nTokens; t++) {
      renormalise(probs, t * nExpert, experts, t * nExpertUsed, nExpertUsed, weights, t * nExpertUsed);
    }
    return all(weights);
  },

  moe_expert_gate: (step) => expertMatmul(step, 'moe_expert_gate', 'ffn_gate_exps', 'ffn_norm'),

  moe_expert_up: (step) => expertMatmul(step, 'moe_expert_up', 'ffn_up_exps', 'ffn_norm'),

  moe_expert_swigl: (step) => all(swiglu(step.values.float('moe_expert_gate'), step.values.float('moe_expert_up'))),

  moe_expert_out: (step) => expertMatmul(step, 'moe_expert_out', 'ffn_down_exps', 'moe_expert_swigl'),

  moe_ffn_out: (step) => {
    const { nEmbd, nExpertUsed } = step.hparams;
    const weights = step.values.float('moe_router');
    return all(weightedSum(weights, step.values.float('moe_expert_out'), step.nTokens, nExpertUsed, nEmbd));
  },

  post_ffn_residual: (step) => all(add(step.values.float('post_attn_residual'), step.values.float('moe_ffn_out'))),
};

function all(values: Float64Array<ArrayBuffer>): StageOutput {
  return { values, tokens: 'all' };
}

/** Channels of the concatenated q, k, v. */
function qkvDim(step: Step): number {
  return step.hparams.qDim + 2 * step.hparams.kvDim;
}

async function normTokens(
  step: Step,
  role: 'attn_norm' | 'ffn_norm',
  x: Float64Array<ArrayBuffer>,
): Promise<StageOutput> {
  const { nEmbd, rmsEps } = step.hparams;
  return all(normGroups(x, nEmbd, 0, nEmbd, await step.weights.vector(role), rmsEps));
}

/** NEOX rotary of every head. @param x (nTokens, heads, headDim) */
function rotate(step: Step, x: Float64Array<ArrayBuffer>, heads: number): Float64Array<ArrayBuffer> {
  const { headDim } = step.hparams;
  const out = new Float64Array(x.length);
  for (const [t, table] of step.ropeTables.entries()) {
    for (let head = 0; head < heads; head++) {
      const at = (t * heads + head) * headDim;
      rope(x, at, table, out, at);
    }
  }
  return out;
}

/** Keys after the rotation: (nTokens, kvDim). */
export function rotatedKeys(step: Step): Float64Array<ArrayBuffer> {
  return rotate(step, step.values.float('k_norm'), step.hparams.nHeadKv);
}

/** Puts this step's keys and values behind those of earlier positions. @param keys (nTokens, kvDim) */
function keepKeysAndValues(step: Step, keys: Float64Array<ArrayBuffer>): void {
  const { qDim, kvDim } = step.hparams;
  const qkv = step.values.float('qkv_matmul');
  step.cache.keys.set(keys, step.nPast * kvDim);
  for (let t = 0; t < step.nTokens; t++) {
    const from = t * qkvDim(step) + qDim + kvDim;
    step.cache.values.set(qkv.subarray(from, from + kvDim), (step.nPast + t) * kvDim);
  }
}

function expertMatmul(
  step: Step,
  stage: 'moe_expert_gate' | 'moe_expert_up' | 'moe_expert_out',
  role: 'ffn_gate_exps' | 'ffn_up_exps' | 'ffn_down_exps',
  input: 'ffn_norm' | 'moe_expert_swigl',
): Promise<StageOutput> {
  const x = step.values.float(input);
  const perSlot = input === 'moe_expert_swigl';
  return step.weights.expertMatmul(role, x, perSlot, step.values.experts(), wantsMagnitudes(step, stage));
}

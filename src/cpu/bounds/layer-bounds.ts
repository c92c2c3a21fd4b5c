import type { LayerStageId, ModelStageId, StageId } from '../../model/stages';
import { kvHead, scoreRow, softmaxRow, withAttention } from '../engine/attention-rows';
import { capturedPositions, type StageOutput, type Step } from '../engine/step';
import { addBound } from './add-bound';
import { scoreBound, valueBounds } from './attention-bounds';
import { matmulBound } from './matmul-bound';
import { renormaliseBound } from './renormalise-bound';
import { rmsnormBound } from './rmsnorm-bound';
import { ropeBound } from './rope-bound';
import { rowsBound } from './rows-bound';
import { softmaxBound } from './softmax-bound';
import { swigluBound } from './swiglu-bound';
import { weightedSumBound } from './weighted-sum-bound';

/** Error bounds of a stage's output, laid out as its values. Undefined: none exists (chosen experts). */
export type BoundFunction = (
  step: Step,
  output: StageOutput,
) => Float64Array<ArrayBuffer> | undefined | Promise<Float64Array<ArrayBuffer>>;

/** The bound of every stage of a layer (docs/numerics.md). Called while the stage's inputs are still kept. */
export const LAYER_BOUNDS: Record<LayerStageId, BoundFunction> = {
  attn_norm: (step) => normBounds(step, 'layer_input', 'attn_norm'),
  qkv_matmul: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nEmbd),
  q_norm: (step) => headNormBounds(step, 0, step.hparams.qDim, 'attn_q_norm'),
  k_norm: (step) => headNormBounds(step, step.hparams.qDim, step.hparams.kvDim, 'attn_k_norm'),
  q_post_rope: (step) => ropeBounds(step, step.values.float('q_norm'), step.hparams.nHead),
  k_post_rope: (step) => ropeBounds(step, step.values.float('k_norm'), step.hparams.nHeadKv),
  attn_scores: (step, output) => scoreBounds(step, output),
  attn_softmax: (step, output) => attentionSoftmaxBounds(step, output),
  attention: (step, output) => attentionBounds(step, output),
  attn_out: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.qDim),
  post_attn_residual: (step) => addBound(step.values.float('layer_input'), step.values.float('attn_out')),
  ffn_norm: (step) => normBounds(step, 'post_attn_residual', 'ffn_norm'),
  moe_router_logits: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nEmbd),
  moe_router_probs: (step, output) => {
    const { nExpert } = step.hparams;
    const logits = step.values.float('moe_router_logits');
    const out = new Float64Array(output.values.length);
    for (let at = 0; at < out.length; at += nExpert) softmaxBound(logits, at, nExpert, out, at);
    return out;
  },
  moe_router_indices: () => undefined,
  moe_router: (step, output) => {
    const { nExpert, nExpertUsed: k } = step.hparams;
    const probs = step.values.float('moe_router_probs');
    const out = new Float64Array(output.values.length);
    for (let t = 0; t < step.nTokens; t++) {
      renormaliseBound(probs, t * nExpert, step.values.experts(), t * k, k, out, t * k);
    }
    return out;
  },
  moe_expert_gate: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nEmbd),
  moe_expert_up: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nEmbd),
  moe_expert_swigl: (step) => swigluBound(step.values.float('moe_expert_gate'), step.values.float('moe_expert_up')),
  moe_expert_out: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nFfExp),
  moe_ffn_out: (step, output) =>
    weightedSumBound(
      step.values.float('moe_router'),
      step.values.float('moe_expert_out'),
      floatsOf(output),
      step.nTokens,
      step.hparams.nExpertUsed,
      step.hparams.nEmbd,
    ),
  post_ffn_residual: (step) => addBound(step.values.float('post_attn_residual'), step.values.float('moe_ffn_out')),
};

/** The bound of every whole-model stage. */
export const MODEL_BOUNDS: Record<ModelStageId, BoundFunction> = {
  embedding: (_step, output) => rowsBound(floatsOf(output)),
  final_norm: (step) => normBounds(step, 'layer_input', 'output_norm'),
  lm_head: (step, output) => matmulBound(output.values, magnitudesOf(output), step.hparams.nEmbd),
};

async function normBounds(
  step: Step,
  input: StageId | 'layer_input',
  role: 'attn_norm' | 'ffn_norm' | 'output_norm',
): Promise<Float64Array<ArrayBuffer>> {
  const { nEmbd, rmsEps } = step.hparams;
  const x = step.values.float(input);
  const weight = await step.weights.vector(role);
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += nEmbd) rmsnormBound(x, at, weight, rmsEps, out, at);
  return out;
}

async function headNormBounds(
  step: Step,
  from: number,
  channels: number,
  role: 'attn_q_norm' | 'attn_k_norm',
): Promise<Float64Array<ArrayBuffer>> {
  const { qDim, kvDim, headDim, rmsEps } = step.hparams;
  const x = step.values.float('qkv_matmul');
  const weight = await step.weights.vector(role);
  const out = new Float64Array(step.nTokens * channels);
  for (let t = 0; t < step.nTokens; t++) {
    for (let c = 0; c < channels; c += headDim) {
      rmsnormBound(x, t * (qDim + 2 * kvDim) + from + c, weight, rmsEps, out, t * channels + c);
    }
  }
  return out;
}

function ropeBounds(step: Step, x: Float64Array, heads: number): Float64Array<ArrayBuffer> {
  const { headDim } = step.hparams;
  const out = new Float64Array(x.length);
  for (const [t, table] of step.ropeTables.entries()) {
    for (let head = 0; head < heads; head++) {
      const at = (t * heads + head) * headDim;
      ropeBound(x, at, table, step.nPast + t, out, at);
    }
  }
  return out;
}

async function scoreBounds(step: Step, output: StageOutput): Promise<Float64Array<ArrayBuffer>> {
  const { headDim, qDim, kvDim, nHead } = step.hparams;
  const q = step.values.float('q_post_rope');
  const nKeys = step.nPast + step.nTokens;
  const out = new Float64Array(output.values.length);
  let at = 0;
  for (let head = 0; head < nHead; head++) {
    const channel = kvHead(step, head) * headDim;
    for (const position of capturedPositions(step, 'attn_scores')) {
      const qAt = (position - step.nPast) * qDim + head * headDim;
      for (let key = 0; key < nKeys; key++) {
        out[at++] = scoreBound(q, qAt, step.cache.keys, key * kvDim + channel, headDim);
      }
      if (step.pause.due()) await step.pause.breathe();
    }
  }
  return out;
}

/** Keys that the mask hides are exactly 0 on both sides; their bound is 0. */
async function attentionSoftmaxBounds(step: Step, output: StageOutput): Promise<Float64Array<ArrayBuffer>> {
  const nKeys = step.nPast + step.nTokens;
  const out = new Float64Array(output.values.length);
  const scores = new Float64Array(nKeys);
  await withAttention(step, async (attention) => {
    let at = 0;
    for (let head = 0; head < step.hparams.nHead; head++) {
      for (const position of capturedPositions(step, 'attn_softmax')) {
        scoreRow(step, attention, head, position - step.nPast, position + 1, scores, 0);
        softmaxBound(scores, 0, position + 1, out, at);
        at += nKeys;
        if (step.pause.due()) await step.pause.breathe();
      }
    }
  });
  return out;
}

async function attentionBounds(step: Step, output: StageOutput): Promise<Float64Array<ArrayBuffer>> {
  const { nHead, headDim, qDim, kvDim } = step.hparams;
  const nKeys = step.nPast + step.nTokens;
  const exact = floatsOf(output);
  const out = new Float64Array(exact.length);
  const weights = new Float64Array(nKeys);
  await withAttention(step, async (attention) => {
    for (const position of capturedPositions(step, 'attention')) {
      const token = position - step.nPast;
      for (let head = 0; head < nHead; head++) {
        const visible = softmaxRow(step, attention, head, token, weights, 0);
        const channel = kvHead(step, head) * headDim;
        const at = token * qDim + head * headDim;
        valueBounds(weights, visible, nKeys, step.cache.values, channel, kvDim, headDim, exact, out, at);
        if (step.pause.due()) await step.pause.breathe();
      }
    }
  });
  return out;
}

function magnitudesOf(output: StageOutput): Float64Array<ArrayBuffer> {
  // The stage asked the pool for them: wantsMagnitudes.
  return output.magnitudes ?? new Float64Array(output.values.length).fill(Infinity);
}

function floatsOf(output: StageOutput): Float64Array<ArrayBuffer> {
  return output.values instanceof Float64Array ? output.values : Float64Array.from(output.values);
}

import { fail } from '../../base/errors';
import type { ReferenceStep } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import type { ActiveStageId } from '../../model/stages';
import { softmax } from '../kernels/softmax';
import { attentionOutput, capturedAttention } from './attention-rows';
import type { LayerCache } from './kv-cache';
import { LAYER_STAGE_FUNCTIONS, rotatedKeys } from './layer-stages';
import { MODEL_STAGE_FUNCTIONS } from './model-stages';
import type { StageOutput, StageValues, Step } from './step';

/**
 * What each stage computes of the reference's taps alone: as in the free run, but for the stages that read more there than the stage
 * table says (softmax and attention start again from q, k_post_rope also keeps the keys).
 */
export const ISOLATED_STAGE_FUNCTIONS: Record<ActiveStageId, (step: Step) => StageOutput | Promise<StageOutput>> = {
  ...LAYER_STAGE_FUNCTIONS,
  ...MODEL_STAGE_FUNCTIONS,

  k_post_rope: (step) => ({ values: rotatedKeys(step), tokens: 'all' }),

  attn_softmax: (step) => {
    const row = fedRows(step, 'attn_scores');
    return capturedAttention(step, 'attn_softmax', (_attention, head, token, out, at) => {
      const visible = token + 1;
      out.set(row(head, token).subarray(0, visible), at);
      softmax(out, at, visible);
    });
  },

  attention: (step) => {
    const row = fedRows(step, 'attn_softmax');
    return attentionOutput(step, (head, token, out) => {
      const visible = token + 1;
      out.set(row(head, token).subarray(0, visible));
      return visible;
    });
  },
};

/** Rows of an attention stage's tap, which holds every position: (nHead, nTokens, nKeys). */
function fedRows(
  step: Step,
  stage: 'attn_scores' | 'attn_softmax',
): (head: number, token: number) => Float64Array<ArrayBuffer> {
  const all = step.values.float(stage);
  const { nTokens } = step;
  return (head, token) => {
    const at = (head * nTokens + token) * nTokens;
    return all.subarray(at, at + nTokens);
  };
}

/** The reference's taps as a stage reads its inputs: exact where the tap is, else what f32 kept of it. */
export function referenceValues({ taps, layerInput }: ReferenceStep): StageValues {
  const floats = new Map<string, Float64Array<ArrayBuffer>>();
  return {
    float: (stage) => {
      const found = floats.get(stage);
      if (found !== undefined) return found;
      const tap = stage === 'layer_input' ? layerInput : taps.get(stage);
      if (tap === undefined || !(tap.data instanceof Float32Array)) throw lacking(stage);
      const values = tap.exact ?? Float64Array.from(tap.data);
      floats.set(stage, values);
      return values;
    },
    experts: () => {
      const tap = taps.get('moe_router_indices');
      if (!(tap?.data instanceof Uint32Array)) throw lacking('moe_router_indices');
      return tap.data;
    },
    keep: () => undefined,
    release: () => undefined,
  };
}

/** Keys and values as the reference captured them; empty where no captured stage reads them. */
export function referenceCache({ taps }: ReferenceStep, values: StageValues, hparams: HParams): LayerCache {
  const { qDim, kvDim } = hparams;
  const keys = taps.has('k_post_rope') ? values.float('k_post_rope') : new Float64Array(0);
  if (!taps.has('qkv_matmul')) return { keys, values: new Float64Array(0) };
  const qkv = values.float('qkv_matmul');
  const width = qDim + 2 * kvDim;
  const nTokens = qkv.length / width;
  const kept = new Float64Array(nTokens * kvDim);
  for (let t = 0; t < nTokens; t++) {
    const from = t * width + qDim + kvDim;
    kept.set(qkv.subarray(from, from + kvDim), t * kvDim);
  }
  return { keys, values: kept };
}

function lacking(stage: string): Error {
  return fail(
    'internal',
    `The reference did not capture ${stage}, which an isolated stage reads.`,
    'Please report this.',
  );
}

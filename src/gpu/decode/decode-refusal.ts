import { fail, type TracerError } from '../../base/errors';
import { weightDims } from '../../arch/graph';
import { graphOf, stageNode } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { WeightRole } from '../../model/stages';
import type { GpuContext } from '../device';
import { CHUNK } from '../matmul/weight-layout';
import type { DecodeChoice } from './decode-kernels';
import { outGroup } from './decode-kernels';
import type { DecodeWeights } from './decode-weights';

/** Heads that attention.wgsl takes: a lane a column of four. */
const MAX_HEAD_DIM = 256;

/** Matrices that one binding has to hold whole. */
const WHOLE: readonly WeightRole[] = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate_inp', 'ffn_down_exps'];

/**
 * Why these kernels cannot run a model on a device, or undefined when they can. Then the layer-by-layer engine runs it, as ever.
 */
export function decodeRefusal(
  context: GpuContext,
  hparams: HParams,
  weights: DecodeWeights,
  choice: DecodeChoice,
): TracerError | undefined {
  const { nEmbd, qDim, nFfExp, headDim, nExpertUsed, nLayer } = hparams;
  const refuse = (reason: string, detail: Readonly<Record<string, string | number>>): TracerError =>
    fail('gpu-limit', `Fast decoding does not run this model: ${reason}`, 'Use the layer-by-layer engine.', detail);
  const unlike = unlikeKernels(hparams);
  if (unlike !== undefined) return refuse(unlike.reason, { stage: unlike.stage });
  for (const [name, length] of Object.entries({ nEmbd, qDim, nFfExp })) {
    if (length % CHUNK !== 0) return refuse(`${name} ${length} is no multiple of ${CHUNK}.`, { [name]: length });
  }
  if (headDim % 4 !== 0 || headDim > MAX_HEAD_DIM) {
    return refuse(`heads of ${headDim} are no multiple of 4 up to ${MAX_HEAD_DIM}.`, { headDim });
  }
  const lanes = outGroup(choice.teams.expertsOut, nExpertUsed);
  const { maxComputeInvocationsPerWorkgroup: most } = context.device.limits;
  if (lanes > most) {
    return refuse(`${nExpertUsed} experts a token take workgroups of ${lanes} lanes; this adapter allows ${most}.`, {
      expected: most,
      actual: lanes,
    });
  }
  for (const role of WHOLE) {
    for (let layer = 0; layer < nLayer; layer++) {
      const { tiles } = weights.matrix(role, layer);
      if (tiles.length > 1) {
        return refuse(`${role} of layer ${layer} does not fit one binding of ${context.maxBindingBytes} bytes.`, {
          tensor: role,
          layer,
          expected: context.maxBindingBytes,
        });
      }
    }
  }
  return undefined;
}

/** The first stage that the fused kernels would compute otherwise than the graph says. */
function unlikeKernels(hparams: HParams): { readonly stage: string; readonly reason: string } | undefined {
  const { sizes } = graphOf(hparams).graph;
  for (const stage of ['q_norm', 'k_norm'] as const) {
    const [weight] = stageNode(hparams, stage)?.weights ?? [];
    if (weight === undefined || weightDims(weight, sizes)[0] !== hparams.headDim) {
      return { stage, reason: `${stage} is not a norm of each head.` };
    }
  }
  const share = stageNode(hparams, 'moe_router');
  if (share?.op !== 'normalise' || share.attrs.divisor !== 'sum') {
    return { stage: 'moe_router', reason: "the experts' weights are not divided by their sum." };
  }
  return undefined;
}

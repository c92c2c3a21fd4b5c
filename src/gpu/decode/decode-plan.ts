import { fail, type TracerError } from '../../base/errors';
import type { DecodeChoice } from '../../fusions/choice';
import { planToken, type TokenPlan } from '../../fusions/plan-token';
import { graphOf } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { DecodeWeights } from './decode-weights';

/** What a plan is made for. */
export interface PlanInputs {
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  readonly choice: DecodeChoice;
}

/** A token's forward pass as fused kernels; or an error that names the first node that no fusion covers. Then the layer-by-layer engine runs the model. */
export function tryPlan({ context, hparams, weights, choice }: PlanInputs): TokenPlan | TracerError {
  const { maxComputeInvocationsPerWorkgroup: workgroupLanes } = context.device.limits;
  const plan = planToken({ graph: graphOf(hparams).graph, weights, choice, workgroupLanes });
  if (!('uncovered' in plan)) return plan;
  const { uncovered, layer, reason } = plan;
  const place = layer === undefined ? '' : ` of layer ${layer}`;
  return fail(
    'gpu-limit',
    `No fused kernel covers ${uncovered.out.id}${place} (${uncovered.op}): ${reason}.`,
    'Use the layer-by-layer engine.',
    { stage: uncovered.out.id, op: uncovered.op, ...(layer === undefined ? {} : { layer }) },
  );
}

/** {@link tryPlan}. @throws TracerError `gpu-limit` */
export function planOf(inputs: PlanInputs): TokenPlan {
  const plan = tryPlan(inputs);
  if ('parts' in plan) return plan;
  throw plan;
}

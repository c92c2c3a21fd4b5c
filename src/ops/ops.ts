import type { OpName } from '../arch/operations';
import { ADD_DEFECTS } from './add/defects';
import { ADD } from './add/kernel';
import { ATTENTION_SCORES_DEFECTS } from './attention-scores/defects';
import { ATTENTION_SCORES } from './attention-scores/kernel';
import { ATTENTION_VALUES_DEFECTS } from './attention-values/defects';
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT } from './attention-values/kernel';
import { CONCAT_DEFECTS } from './concat/defects';
import { CONCAT } from './concat/kernel';
import type { Defect } from './defect';
import { EXPERT_LINEAR_DEFECTS } from './expert-linear/defects';
import { EXPERT_SLOTS } from './expert-linear/kernel';
import { GROUP_SCORES_DEFECTS } from './group-scores/defects';
import { GROUP_SCORES } from './group-scores/kernel';
import { SILU_DEFECTS } from './silu/defects';
import { SILU } from './silu/kernel';
import { SOFTPLUS_DEFECTS } from './softplus/defects';
import { SOFTPLUS } from './softplus/kernel';
import { GAIN_DEFECTS } from './gain/defects';
import { GAIN } from './gain/kernel';
import { SLICE_DEFECTS } from './slice/defects';
import { SLICE } from './slice/kernel';
import { L2NORM_DEFECTS } from './l2norm/defects';
import { L2NORM } from './l2norm/kernel';
import { CONV1D_DEFECTS } from './conv1d/defects';
import { CONV1D } from './conv1d/kernel';
import { DELTA_RULE_DEFECTS } from './delta-rule/defects';
import { DELTA_RULE } from './delta-rule/kernel';
import { DELTA_READ_DEFECTS } from './delta-read/defects';
import { DELTA_READ } from './delta-read/kernel';
import type { KernelSpec } from './kernel-spec';
import { AFFINE_DEFECTS } from './linear/affine-defects';
import { LINEAR_DEFECTS } from './linear/defects';
import { LINEAR_AFFINE } from './linear/kernel';
import { MULTIPLY_DEFECTS } from './multiply/defects';
import { MULTIPLY } from './multiply/kernel';
import { NORMALISE_DEFECTS } from './normalise/defects';
import { NORMALISE } from './normalise/kernel';
import { RMSNORM_DEFECTS } from './rmsnorm/defects';
import { RMSNORM } from './rmsnorm/kernel';
import { ROPE_DEFECTS } from './rope/defects';
import { ROPE } from './rope/kernel';
import { SCALE_DEFECTS } from './scale/defects';
import { SCALE } from './scale/kernel';
import { SHIFT_DEFECTS } from './shift/defects';
import { SHIFT } from './shift/kernel';
import { SIGMOID_DEFECTS } from './sigmoid/defects';
import { SIGMOID } from './sigmoid/kernel';
import { SOFTMAX_DEFECTS } from './softmax/defects';
import { SOFTMAX } from './softmax/kernel';
import { SWIGLU_CLAMPED_DEFECTS } from './swiglu-clamped/defects';
import { SWIGLU_CLAMPED } from './swiglu-clamped/kernel';
import { SWIGLU_DEFECTS } from './swiglu/defects';
import { SWIGLU } from './swiglu/kernel';
import { TOP_K_DEFECTS } from './top-k/defects';
import { TOP_K } from './top-k/kernel';
import { WEIGHTED_SUM_DEFECTS } from './weighted-sum/defects';
import { WEIGHTED_SUM } from './weighted-sum/kernel';

/** What an operation is made of. Its cases are in `src/selftest/op-cases.ts`, so that an engine does not carry them. */
export interface Op {
  /** Kernels of its own, products apart: those are one a method and type (`gpu/matmul/variants.ts`). */
  readonly kernels: readonly KernelSpec[];
  readonly defects: readonly Defect[];
}

/** THE OPERATIONS: a hole does not compile. */
export const OPS: Readonly<Record<OpName, Op>> = {
  // How a row becomes floats is each type's own text, and so are its defects.
  rows: { kernels: [], defects: [] },
  rmsnorm: { kernels: [RMSNORM], defects: RMSNORM_DEFECTS },
  linear: { kernels: [LINEAR_AFFINE], defects: [...LINEAR_DEFECTS, ...AFFINE_DEFECTS] },
  'expert-linear': { kernels: [EXPERT_SLOTS], defects: EXPERT_LINEAR_DEFECTS },
  // Its products are `linear`'s kernels, a matrix a head.
  'head-linear': { kernels: [], defects: [] },
  rope: { kernels: [ROPE], defects: ROPE_DEFECTS },
  'attention-scores': { kernels: [ATTENTION_SCORES], defects: ATTENTION_SCORES_DEFECTS },
  softmax: { kernels: [SOFTMAX], defects: SOFTMAX_DEFECTS },
  'attention-values': { kernels: [ATTENTION_VALUES, ATTENTION_VALUES_SPLIT], defects: ATTENTION_VALUES_DEFECTS },
  'top-k': { kernels: [TOP_K], defects: TOP_K_DEFECTS },
  'group-scores': { kernels: [GROUP_SCORES], defects: GROUP_SCORES_DEFECTS },
  normalise: { kernels: [NORMALISE], defects: NORMALISE_DEFECTS },
  swiglu: { kernels: [SWIGLU], defects: SWIGLU_DEFECTS },
  'swiglu-clamped': { kernels: [SWIGLU_CLAMPED], defects: SWIGLU_CLAMPED_DEFECTS },
  'weighted-sum': { kernels: [WEIGHTED_SUM], defects: WEIGHTED_SUM_DEFECTS },
  add: { kernels: [ADD], defects: ADD_DEFECTS },
  multiply: { kernels: [MULTIPLY], defects: MULTIPLY_DEFECTS },
  scale: { kernels: [SCALE], defects: SCALE_DEFECTS },
  shift: { kernels: [SHIFT], defects: SHIFT_DEFECTS },
  sigmoid: { kernels: [SIGMOID], defects: SIGMOID_DEFECTS },
  silu: { kernels: [SILU], defects: SILU_DEFECTS },
  softplus: { kernels: [SOFTPLUS], defects: SOFTPLUS_DEFECTS },
  gain: { kernels: [GAIN], defects: GAIN_DEFECTS },
  slice: { kernels: [SLICE], defects: SLICE_DEFECTS },
  concat: { kernels: [CONCAT], defects: CONCAT_DEFECTS },
  l2norm: { kernels: [L2NORM], defects: L2NORM_DEFECTS },
  conv1d: { kernels: [CONV1D], defects: CONV1D_DEFECTS },
  'delta-rule': { kernels: [DELTA_RULE], defects: DELTA_RULE_DEFECTS },
  'delta-read': { kernels: [DELTA_READ], defects: DELTA_READ_DEFECTS },
};

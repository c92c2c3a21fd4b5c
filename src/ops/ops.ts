import type { OpName } from '../arch/operations';
import { ADD_DEFECTS } from './add/defects';
import { ADD } from './add/kernel';
import { ATTENTION_SCORES_DEFECTS } from './attention-scores/defects';
import { ATTENTION_SCORES } from './attention-scores/kernel';
import { ATTENTION_VALUES_DEFECTS } from './attention-values/defects';
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT } from './attention-values/kernel';
import type { Defect } from './defect';
import { EXPERT_LINEAR_DEFECTS } from './expert-linear/defects';
import { EXPERT_SLOTS } from './expert-linear/kernel';
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
import { SIGMOID_DEFECTS } from './sigmoid/defects';
import { SIGMOID } from './sigmoid/kernel';
import { SOFTMAX_DEFECTS } from './softmax/defects';
import { SOFTMAX } from './softmax/kernel';
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
  rope: { kernels: [ROPE], defects: ROPE_DEFECTS },
  'attention-scores': { kernels: [ATTENTION_SCORES], defects: ATTENTION_SCORES_DEFECTS },
  softmax: { kernels: [SOFTMAX], defects: SOFTMAX_DEFECTS },
  'attention-values': { kernels: [ATTENTION_VALUES, ATTENTION_VALUES_SPLIT], defects: ATTENTION_VALUES_DEFECTS },
  'top-k': { kernels: [TOP_K], defects: TOP_K_DEFECTS },
  normalise: { kernels: [NORMALISE], defects: NORMALISE_DEFECTS },
  swiglu: { kernels: [SWIGLU], defects: SWIGLU_DEFECTS },
  'weighted-sum': { kernels: [WEIGHTED_SUM], defects: WEIGHTED_SUM_DEFECTS },
  add: { kernels: [ADD], defects: ADD_DEFECTS },
  multiply: { kernels: [MULTIPLY], defects: MULTIPLY_DEFECTS },
  scale: { kernels: [SCALE], defects: SCALE_DEFECTS },
  sigmoid: { kernels: [SIGMOID], defects: SIGMOID_DEFECTS },
};

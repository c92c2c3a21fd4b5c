import type { OpName } from '../arch/operations';
import { ADD_CASES } from '../ops/add/cases';
import { ATTENTION_SCORES_CASES } from '../ops/attention-scores/cases';
import { ATTENTION_VALUES_CASES } from '../ops/attention-values/cases';
import { CONCAT_CASES } from '../ops/concat/cases';
import { EXPERT_LINEAR_CASES } from '../ops/expert-linear/cases';
import { GROUP_SCORES_CASES } from '../ops/group-scores/cases';
import { HEAD_LINEAR_CASES } from '../ops/head-linear/cases';
import { AFFINE_CASES } from '../ops/linear/affine-cases';
import { LINEAR_CASES } from '../ops/linear/cases';
import { MULTIPLY_CASES } from '../ops/multiply/cases';
import { NORMALISE_CASES } from '../ops/normalise/cases';
import { RMSNORM_CASES } from '../ops/rmsnorm/cases';
import { ROPE_CASES } from '../ops/rope/cases';
import { ROWS_CASES } from '../ops/rows/cases';
import { SCALE_CASES } from '../ops/scale/cases';
import { SHIFT_CASES } from '../ops/shift/cases';
import { SIGMOID_CASES } from '../ops/sigmoid/cases';
import { SOFTMAX_CASES } from '../ops/softmax/cases';
import { SWIGLU_CLAMPED_CASES } from '../ops/swiglu-clamped/cases';
import { SWIGLU_CASES } from '../ops/swiglu/cases';
import { TOP_K_CASES } from '../ops/top-k/cases';
import { WEIGHTED_SUM_CASES } from '../ops/weighted-sum/cases';
import { SILU_CASES } from '../ops/silu/cases';
import { SOFTPLUS_CASES } from '../ops/softplus/cases';
import { GAIN_CASES } from '../ops/gain/cases';
import { SLICE_CASES } from '../ops/slice/cases';
import { L2NORM_CASES } from '../ops/l2norm/cases';
import { CONV1D_CASES } from '../ops/conv1d/cases';
import { DELTA_RULE_CASES } from '../ops/delta-rule/cases';
import { DELTA_READ_CASES } from '../ops/delta-read/cases';
import type { SelftestCase } from './selftest-case';

/**
 * The cases of every operation: the self-test, the unit tests and the tests of defects run them. Apart from `src/ops/ops.ts`, so that an
 * engine does not carry them.
 */
export const OP_CASES: Readonly<Record<OpName, readonly SelftestCase[]>> = {
  rows: ROWS_CASES,
  rmsnorm: RMSNORM_CASES,
  linear: [...LINEAR_CASES, ...AFFINE_CASES],
  'expert-linear': EXPERT_LINEAR_CASES,
  'head-linear': HEAD_LINEAR_CASES,
  rope: ROPE_CASES,
  'attention-scores': ATTENTION_SCORES_CASES,
  softmax: SOFTMAX_CASES,
  'attention-values': ATTENTION_VALUES_CASES,
  'top-k': TOP_K_CASES,
  'group-scores': GROUP_SCORES_CASES,
  normalise: NORMALISE_CASES,
  swiglu: SWIGLU_CASES,
  'swiglu-clamped': SWIGLU_CLAMPED_CASES,
  'weighted-sum': WEIGHTED_SUM_CASES,
  add: ADD_CASES,
  multiply: MULTIPLY_CASES,
  scale: SCALE_CASES,
  shift: SHIFT_CASES,
  sigmoid: SIGMOID_CASES,
  silu: SILU_CASES,
  softplus: SOFTPLUS_CASES,
  gain: GAIN_CASES,
  slice: SLICE_CASES,
  concat: CONCAT_CASES,
  l2norm: L2NORM_CASES,
  conv1d: CONV1D_CASES,
  'delta-rule': DELTA_RULE_CASES,
  'delta-read': DELTA_READ_CASES,
};

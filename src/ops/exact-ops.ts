import type { OpName } from '../arch/operations';
import { addOp } from './add/in-graph';
import { attentionScoresOp } from './attention-scores/in-graph';
import { attentionValuesOp } from './attention-values/in-graph';
import { concatOp } from './concat/in-graph';
import { conv1dOp } from './conv1d/in-graph';
import { deltaReadOp } from './delta-read/in-graph';
import { deltaRuleOp } from './delta-rule/in-graph';
import type { ExactOp } from './exact-op';
import { expertLinearOp } from './expert-linear/in-graph';
import { gainOp } from './gain/in-graph';
import { groupScoresOp } from './group-scores/in-graph';
import { headLinearOp } from './head-linear/in-graph';
import { l2normOp } from './l2norm/in-graph';
import { linearOp } from './linear/in-graph';
import { multiplyOp } from './multiply/in-graph';
import { normaliseOp } from './normalise/in-graph';
import { rmsnormOp } from './rmsnorm/in-graph';
import { ropeOp } from './rope/in-graph';
import { rowsOp } from './rows/in-graph';
import { scaleOp } from './scale/in-graph';
import { shiftOp } from './shift/in-graph';
import { sigmoidOp } from './sigmoid/in-graph';
import { siluOp } from './silu/in-graph';
import { sliceOp } from './slice/in-graph';
import { softmaxOp } from './softmax/in-graph';
import { softplusOp } from './softplus/in-graph';
import { swigluClampedOp } from './swiglu-clamped/in-graph';
import { swigluOp } from './swiglu/in-graph';
import { topKOp } from './top-k/in-graph';
import { weightedSumOp } from './weighted-sum/in-graph';

/** Every operation in f64. */
export const EXACT_OPS: { readonly [N in OpName]: ExactOp<N> } = {
  rows: rowsOp,
  rmsnorm: rmsnormOp,
  linear: linearOp,
  'expert-linear': expertLinearOp,
  'head-linear': headLinearOp,
  rope: ropeOp,
  'attention-scores': attentionScoresOp,
  softmax: softmaxOp,
  'attention-values': attentionValuesOp,
  'top-k': topKOp,
  'group-scores': groupScoresOp,
  normalise: normaliseOp,
  swiglu: swigluOp,
  'swiglu-clamped': swigluClampedOp,
  'weighted-sum': weightedSumOp,
  add: addOp,
  multiply: multiplyOp,
  scale: scaleOp,
  shift: shiftOp,
  sigmoid: sigmoidOp,
  silu: siluOp,
  softplus: softplusOp,
  gain: gainOp,
  slice: sliceOp,
  concat: concatOp,
  l2norm: l2normOp,
  conv1d: conv1dOp,
  'delta-rule': deltaRuleOp,
  'delta-read': deltaReadOp,
};

import type { OpName } from '../arch/operations';
import { addOp } from './add/in-graph';
import { attentionScoresOp } from './attention-scores/in-graph';
import { attentionValuesOp } from './attention-values/in-graph';
import type { ExactOp } from './exact-op';
import { expertLinearOp } from './expert-linear/in-graph';
import { linearOp } from './linear/in-graph';
import { multiplyOp } from './multiply/in-graph';
import { normaliseOp } from './normalise/in-graph';
import { rmsnormOp } from './rmsnorm/in-graph';
import { ropeOp } from './rope/in-graph';
import { rowsOp } from './rows/in-graph';
import { scaleOp } from './scale/in-graph';
import { sigmoidOp } from './sigmoid/in-graph';
import { softmaxOp } from './softmax/in-graph';
import { swigluOp } from './swiglu/in-graph';
import { topKOp } from './top-k/in-graph';
import { weightedSumOp } from './weighted-sum/in-graph';

/** Every operation in f64. */
export const EXACT_OPS: { readonly [N in OpName]: ExactOp<N> } = {
  rows: rowsOp,
  rmsnorm: rmsnormOp,
  linear: linearOp,
  'expert-linear': expertLinearOp,
  rope: ropeOp,
  'attention-scores': attentionScoresOp,
  softmax: softmaxOp,
  'attention-values': attentionValuesOp,
  'top-k': topKOp,
  normalise: normaliseOp,
  swiglu: swigluOp,
  'weighted-sum': weightedSumOp,
  add: addOp,
  multiply: multiplyOp,
  scale: scaleOp,
  sigmoid: sigmoidOp,
};

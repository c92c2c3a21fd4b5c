import { ADD } from '../ops/add/kernel';
import { ATTENTION_SCORES } from '../ops/attention-scores/kernel';
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT } from '../ops/attention-values/kernel';
import { EXPERT_SLOTS } from '../ops/expert-linear/kernel';
import { CONCAT } from '../ops/concat/kernel';
import { GROUP_SCORES } from '../ops/group-scores/kernel';
import { SILU } from '../ops/silu/kernel';
import { SOFTPLUS } from '../ops/softplus/kernel';
import { GAIN } from '../ops/gain/kernel';
import { SLICE } from '../ops/slice/kernel';
import { L2NORM } from '../ops/l2norm/kernel';
import { CONV1D } from '../ops/conv1d/kernel';
import { DELTA_RULE } from '../ops/delta-rule/kernel';
import { DELTA_READ } from '../ops/delta-read/kernel';
import { PLAIN_KERNEL, type KernelSpec } from '../ops/kernel-spec';
import { LINEAR_AFFINE } from '../ops/linear/kernel';
import { MULTIPLY } from '../ops/multiply/kernel';
import { NORMALISE } from '../ops/normalise/kernel';
import { RMSNORM } from '../ops/rmsnorm/kernel';
import { ROPE } from '../ops/rope/kernel';
import { SCALE } from '../ops/scale/kernel';
import { SHIFT } from '../ops/shift/kernel';
import { SIGMOID } from '../ops/sigmoid/kernel';
import { SOFTMAX } from '../ops/softmax/kernel';
import { SWIGLU_CLAMPED } from '../ops/swiglu-clamped/kernel';
import { SWIGLU } from '../ops/swiglu/kernel';
import { TOP_K } from '../ops/top-k/kernel';
import { WEIGHTED_SUM } from '../ops/weighted-sum/kernel';

/** The kernels of the stages that are not products; each file's header is its formula, its shapes and its threads. */
// prettier-ignore
export const KERNEL_TABLE = {
  add: ADD,
  affine: LINEAR_AFFINE,
  attnScores: ATTENTION_SCORES,
  attnValues: ATTENTION_VALUES,
  attnValuesSplit: ATTENTION_VALUES_SPLIT,
  concat: CONCAT,
  copyRows: {
    ...PLAIN_KERNEL, file: 'copy_rows.wgsl', inputs: ['x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', xStride: 'u32', xOffset: 'u32', yOffset: 'u32' },
  },
  groupScores: GROUP_SCORES,
  groupSlots: EXPERT_SLOTS,
  multiply: MULTIPLY,
  renormalise: NORMALISE,
  rmsnorm: RMSNORM,
  rope: ROPE,
  scale: SCALE,
  shift: SHIFT,
  sigmoid: SIGMOID,
  silu: SILU,
  softplus: SOFTPLUS,
  gain: GAIN,
  slice: SLICE,
  l2norm: L2NORM,
  conv1d: CONV1D,
  deltaRule: DELTA_RULE,
  deltaRead: DELTA_READ,
  softmax: SOFTMAX,
  swiglu: SWIGLU,
  swigluClamped: SWIGLU_CLAMPED,
  topK: TOP_K,
  weightedSum: WEIGHTED_SUM,
} as const satisfies Record<string, KernelSpec>;

export type KernelName = keyof typeof KERNEL_TABLE;

export const KERNELS: readonly KernelSpec[] = Object.values(KERNEL_TABLE);

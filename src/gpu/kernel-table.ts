import { ADD } from '../ops/add/kernel';
import { ATTENTION_SCORES } from '../ops/attention-scores/kernel';
import { ATTENTION_VALUES, ATTENTION_VALUES_SPLIT } from '../ops/attention-values/kernel';
import { EXPERT_SLOTS } from '../ops/expert-linear/kernel';
import { PLAIN_KERNEL, type KernelSpec, type KernelVariant } from '../ops/kernel-spec';
import { LINEAR_AFFINE } from '../ops/linear/kernel';
import { MULTIPLY } from '../ops/multiply/kernel';
import { NORMALISE } from '../ops/normalise/kernel';
import { RMSNORM } from '../ops/rmsnorm/kernel';
import { ROPE } from '../ops/rope/kernel';
import { SCALE } from '../ops/scale/kernel';
import { SIGMOID } from '../ops/sigmoid/kernel';
import { SOFTMAX } from '../ops/softmax/kernel';
import { SWIGLU } from '../ops/swiglu/kernel';
import { TOP_K } from '../ops/top-k/kernel';
import { WEIGHTED_SUM } from '../ops/weighted-sum/kernel';

/** Channels of a head that attention_tiled takes: it wants them as a constant. */
const TILED_HEADS = [32, 64, 128] as const;
const ATTENTION_TILED_VARIANTS = TILED_HEADS.map((size) => ({
  id: `heads of ${size}`,
  consts: { HEAD_CHUNKS: size / 32 },
}));

/** The variant of attention_tiled for heads of this size; undefined when there is none. */
export function attentionTiledVariant(headDim: number): KernelVariant | undefined {
  return ATTENTION_TILED_VARIANTS[TILED_HEADS.findIndex((size) => size === headDim)];
}

/** The kernels of the stages that are not products; each file's header is its formula, its shapes and its threads. */
// prettier-ignore
export const KERNEL_TABLE = {
  add: ADD,
  affine: LINEAR_AFFINE,
  attentionTiled: {
    ...PLAIN_KERNEL, file: 'attention_tiled.wgsl', variants: ATTENTION_TILED_VARIANTS, inputs: ['q', 'keys', 'values'], outputs: ['y'],
    params: { rows: 'u32', nHead: 'u32', headsPerKv: 'u32', nKeys: 'u32', firstPosition: 'u32', firstBlock: 'u32', scale: 'f32' },
  },
  attnScores: ATTENTION_SCORES,
  attnValues: ATTENTION_VALUES,
  attnValuesSplit: ATTENTION_VALUES_SPLIT,
  copyRows: {
    ...PLAIN_KERNEL, file: 'copy_rows.wgsl', inputs: ['x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', xStride: 'u32', xOffset: 'u32', yOffset: 'u32' },
  },
  groupSlots: EXPERT_SLOTS,
  multiply: MULTIPLY,
  renormalise: NORMALISE,
  rmsnorm: RMSNORM,
  rope: ROPE,
  scale: SCALE,
  sigmoid: SIGMOID,
  softmax: SOFTMAX,
  swiglu: SWIGLU,
  topK: TOP_K,
  weightedSum: WEIGHTED_SUM,
} as const satisfies Record<string, KernelSpec>;

export type KernelName = keyof typeof KERNEL_TABLE;

export const KERNELS: readonly KernelSpec[] = Object.values(KERNEL_TABLE);

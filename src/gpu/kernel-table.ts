import type { KernelSpec, KernelVariant } from './kernel-spec';

const PLAIN = [{ id: 'plain' }] as const;
const base = { entry: 'main', weights: [], variants: PLAIN } as const;

/** How attn_scores reads channels: one at a time, or four where a head is a multiple of four. */
const ATTN_SCORES_VARIANTS = [
  { id: 'ones', includes: { channels: 'lib/channels_1.wgsl' } },
  { id: 'fours', includes: { channels: 'lib/channels_4.wgsl' } },
] as const;

/** The variant of attn_scores for heads of this size. */
export function attnScoresVariant(headDim: number): KernelVariant {
  return ATTN_SCORES_VARIANTS[headDim % 4 === 0 ? 1 : 0];
}

/** Channels of a head that attention_tiled takes: it wants them as a constant. */
const TILED_HEADS = [32, 64, 128] as const;
const ATTENTION_TILED_VARIANTS = TILED_HEADS.map((size) => ({
  id: `heads of ${size}`,
  includes: { head: `lib/head_${size}.wgsl` },
}));

/** The variant of attention_tiled for heads of this size; undefined when there is none. */
export function attentionTiledVariant(headDim: number): KernelVariant | undefined {
  return ATTENTION_TILED_VARIANTS[TILED_HEADS.findIndex((size) => size === headDim)];
}

/** The kernels of the stages that are not products; each file's header is its formula, its shapes and its threads. */
// prettier-ignore
export const KERNEL_TABLE = {
  add: { ...base, file: 'add.wgsl', inputs: ['a', 'b'], outputs: ['y'], params: { count: 'u32' } },
  attentionTiled: {
    ...base, file: 'attention_tiled.wgsl', variants: ATTENTION_TILED_VARIANTS, inputs: ['q', 'keys', 'values'], outputs: ['y'],
    params: { rows: 'u32', nHead: 'u32', headsPerKv: 'u32', nKeys: 'u32', firstPosition: 'u32', firstBlock: 'u32', scale: 'f32' },
  },
  attnScores: {
    ...base, file: 'attn_scores.wgsl', variants: ATTN_SCORES_VARIANTS, inputs: ['q', 'keys'], outputs: ['scores'],
    params: { nHead: 'u32', headsPerKv: 'u32', headDim: 'u32', nKeys: 'u32', firstPosition: 'u32', future: 'u32', scale: 'f32' },
  },
  attnValues: {
    ...base, file: 'attn_values.wgsl', inputs: ['p', 'values'], outputs: ['y'],
    params: { count: 'u32', nHead: 'u32', headsPerKv: 'u32', headDim: 'u32', nKeys: 'u32', firstPosition: 'u32' },
  },
  attnValuesSplit: {
    ...base, file: 'attn_values_split.wgsl', inputs: ['p', 'values'], outputs: ['y'],
    params: { count: 'u32', nHead: 'u32', headsPerKv: 'u32', headDim: 'u32', nKeys: 'u32', firstPosition: 'u32' },
  },
  copyRows: {
    ...base, file: 'copy_rows.wgsl', inputs: ['x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', xStride: 'u32', xOffset: 'u32', yOffset: 'u32' },
  },
  groupSlots: {
    ...base, file: 'group_slots.wgsl', variants: [{ id: 'plain', constants: { EXPERTS: 128 } }],
    inputs: ['indices'], outputs: ['entries', 'tokenRows', 'slotRows'],
    params: { count: 'u32', nUsed: 'u32', tile: 'u32', entryCount: 'u32', firstExpert: 'u32', endExpert: 'u32', expertWords: 'u32' },
  },
  renormalise: {
    ...base, file: 'renormalise.wgsl', inputs: ['p', 'indices'], outputs: ['weights'],
    params: { count: 'u32', nExpert: 'u32', nUsed: 'u32' },
  },
  rmsnorm: {
    ...base, file: 'rmsnorm.wgsl', inputs: ['x'], weights: ['weight'], outputs: ['y'],
    params: { rows: 'u32', rowLength: 'u32', rowsPerToken: 'u32', xStride: 'u32', xOffset: 'u32', eps: 'f32' },
  },
  rope: {
    ...base, file: 'rope.wgsl', inputs: ['x', 'table'], outputs: ['y'],
    params: { count: 'u32', pairs: 'u32', heads: 'u32', yOffset: 'u32' },
  },
  softmax: {
    ...base, file: 'softmax.wgsl', inputs: ['x'], outputs: ['y'],
    params: { rows: 'u32', rowLength: 'u32', causal: 'u32', rowsPerToken: 'u32', firstPosition: 'u32' },
  },
  swiglu: { ...base, file: 'swiglu.wgsl', inputs: ['gate', 'up'], outputs: ['y'], params: { count: 'u32' } },
  topK: {
    ...base, file: 'top_k.wgsl', inputs: ['probs'], outputs: ['indices'],
    params: { count: 'u32', nExpert: 'u32', nUsed: 'u32' },
  },
  weightedSum: {
    ...base, file: 'weighted_sum.wgsl', inputs: ['weights', 'x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', nUsed: 'u32' },
  },
} as const satisfies Record<string, KernelSpec>;

export type KernelName = keyof typeof KERNEL_TABLE;

export const KERNELS: readonly KernelSpec[] = Object.values(KERNEL_TABLE);

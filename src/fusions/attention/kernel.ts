import { PLAIN_KERNEL, type KernelSpec } from '../../ops/kernel-spec';

const captures = {
  captureQNorm: 'u32',
  captureKNorm: 'u32',
  captureQRope: 'u32',
  captureKRope: 'u32',
  captureScores: 'u32',
} as const;
const ends = { captureSoftmax: 'u32', captureAttention: 'u32' } as const;

/** What the kernels of a token's attention bind and are told: `shaders/fusions/lib/attention.wgsl`. */
const ONE_TOKEN = {
  ...PLAIN_KERNEL,
  inputs: ['qkv', 'step', 'gainQ', 'gainK'],
  outputs: ['keys', 'values', 'y', 'captures'],
  params: { nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32', isWhole: 'u32', ...captures, ...ends },
} as const;

export const ATTENTION = { ...ONE_TOKEN, file: 'fusions/attention.wgsl' } as const satisfies KernelSpec;

export const ATTENTION_SHARED = { ...ONE_TOKEN, file: 'fusions/attention_shared.wgsl' } as const satisfies KernelSpec;

export const ATTENTION_LANE_GROUPS = {
  ...ONE_TOKEN,
  file: 'fusions/attention_lane_groups.wgsl',
} as const satisfies KernelSpec;

export const ATTENTION_JOIN = {
  ...PLAIN_KERNEL,
  file: 'fusions/attention_join.wgsl',
  inputs: ['parts', 'step'],
  outputs: ['y', 'captures'],
  params: { nHead: 'u32', headDim: 'u32', captureScores: 'u32', ...ends },
} as const satisfies KernelSpec;

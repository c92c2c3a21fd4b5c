import { PLAIN_KERNEL, type KernelSpec } from '../../ops/kernel-spec';

const taps = { tapQNorm: 'u32', tapKNorm: 'u32', tapQRope: 'u32', tapKRope: 'u32', tapScores: 'u32' } as const;
const ends = { tapSoftmax: 'u32', tapAttention: 'u32' } as const;

/** What the kernels of a token's attention bind and are told: `shaders/fusions/lib/attention.wgsl`. */
const ONE_TOKEN = {
  ...PLAIN_KERNEL,
  inputs: ['qkv', 'step', 'gainQ', 'gainK'],
  outputs: ['keys', 'values', 'y', 'taps'],
  params: { nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32', isWhole: 'u32', ...taps, ...ends },
} as const;

export const ATTENTION = { ...ONE_TOKEN, file: 'fusions/attention.wgsl' } as const satisfies KernelSpec;

export const ATTENTION_SHARED = { ...ONE_TOKEN, file: 'fusions/attention_shared.wgsl' } as const satisfies KernelSpec;

export const ATTENTION_TEAMS = { ...ONE_TOKEN, file: 'fusions/attention_teams.wgsl' } as const satisfies KernelSpec;

export const ATTENTION_JOIN = {
  ...PLAIN_KERNEL,
  file: 'fusions/attention_join.wgsl',
  inputs: ['parts', 'step'],
  outputs: ['y', 'taps'],
  params: { nHead: 'u32', headDim: 'u32', tapScores: 'u32', ...ends },
} as const satisfies KernelSpec;

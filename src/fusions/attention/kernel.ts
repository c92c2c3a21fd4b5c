import type { KernelSpec } from '../../ops/kernel-spec';

const base = { entry: 'main', weights: [], variants: [{ id: 'plain' }] } as const;
const io = { inputs: ['qkv', 'step', 'gainQ', 'gainK'], outputs: ['keys', 'values', 'y', 'taps'] } as const;
const heads = { nHead: 'u32', nHeadKv: 'u32', eps: 'f32', scale: 'f32' } as const;
const taps = { tapQNorm: 'u32', tapKNorm: 'u32', tapQRope: 'u32', tapKRope: 'u32', tapScores: 'u32' } as const;
const ends = { tapSoftmax: 'u32', tapAttention: 'u32' } as const;

export const ATTENTION = {
  ...{ ...base, ...io, file: 'fusions/attention.wgsl' },
  params: { ...heads, ...taps, ...ends },
} as const satisfies KernelSpec;

export const ATTENTION_SHARED = {
  ...{ ...base, ...io, file: 'fusions/attention_shared.wgsl' },
  params: { ...heads, ...taps },
} as const satisfies KernelSpec;

export const ATTENTION_TEAMS = {
  ...{ ...base, ...io, file: 'fusions/attention_teams.wgsl' },
  params: { ...heads, isWhole: 'u32', ...taps, ...ends },
} as const satisfies KernelSpec;

export const ATTENTION_JOIN = {
  ...{ ...base, file: 'fusions/attention_join.wgsl' },
  ...{ inputs: ['parts', 'step'], outputs: ['y', 'taps'] },
  params: { nHead: 'u32', headDim: 'u32', tapScores: 'u32', ...ends },
} as const satisfies KernelSpec;

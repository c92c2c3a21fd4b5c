import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

const COMMON = {
  ...PLAIN_KERNEL,
  inputs: ['p', 'values'],
  outputs: ['y'],
  params: {
    count: 'u32',
    nHead: 'u32',
    headsPerKv: 'u32',
    headDim: 'u32',
    nKeys: 'u32',
    firstPosition: 'u32',
    window: 'u32',
  },
} as const;

/** Values weighted by the softmax of a head: one lane a channel. */
export const ATTENTION_VALUES = { ...COMMON, file: 'ops/attention_values.wgsl' } as const satisfies KernelSpec;

/** The same for few tokens: sixteen lanes share the keys of a channel. */
export const ATTENTION_VALUES_SPLIT = {
  ...COMMON,
  file: 'ops/attention_values_split.wgsl',
} as const satisfies KernelSpec;

/** Channels of a workgroup of {@link ATTENTION_VALUES_SPLIT}. */
export const SPLIT_CHANNELS = 16;

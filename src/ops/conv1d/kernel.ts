import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Each channel over the latest tokens. */
export const CONV1D = {
  ...PLAIN_KERNEL,
  file: 'ops/conv1d.wgsl',
  inputs: ['x', 'before'],
  weights: ['weight'],
  outputs: ['y'],
  params: { count: 'u32', channels: 'u32', taps: 'u32' },
} as const satisfies KernelSpec;

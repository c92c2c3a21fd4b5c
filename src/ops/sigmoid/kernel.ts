import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** 1 / (1 + exp(-x)), element by element. */
export const SIGMOID = {
  ...PLAIN_KERNEL,
  file: 'ops/sigmoid.wgsl',
  inputs: ['x'],
  outputs: ['y'],
  params: { count: 'u32' },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** x / (1 + exp(-x)), element by element. */
export const SILU = {
  ...PLAIN_KERNEL,
  file: 'ops/silu.wgsl',
  inputs: ['x'],
  outputs: ['y'],
  params: { count: 'u32' },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** x + weight, one weight a column. */
export const SHIFT = {
  ...PLAIN_KERNEL,
  file: 'ops/shift.wgsl',
  inputs: ['x'],
  weights: ['weight'],
  outputs: ['y'],
  params: { count: 'u32', width: 'u32' },
} as const satisfies KernelSpec;

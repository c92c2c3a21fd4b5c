import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** A token's expert outputs, each by its weight, added in slot order. */
export const WEIGHTED_SUM = {
  ...PLAIN_KERNEL,
  file: 'ops/weighted_sum.wgsl',
  inputs: ['weights', 'x'],
  outputs: ['y'],
  params: { count: 'u32', rowLength: 'u32', nUsed: 'u32' },
} as const satisfies KernelSpec;

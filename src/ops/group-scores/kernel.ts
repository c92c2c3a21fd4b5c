import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** The sum of the two largest values of each group. */
export const GROUP_SCORES = {
  ...PLAIN_KERNEL,
  file: 'ops/group_scores.wgsl',
  inputs: ['x'],
  outputs: ['scores'],
  params: { count: 'u32', size: 'u32' },
} as const satisfies KernelSpec;

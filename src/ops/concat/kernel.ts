import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Two rows side by side. */
export const CONCAT = {
  ...PLAIN_KERNEL,
  file: 'ops/concat.wgsl',
  inputs: ['a', 'b'],
  outputs: ['y'],
  params: { count: 'u32', width: 'u32', first: 'u32', yOffset: 'u32' },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** y = a + b, element by element: residuals. */
export const ADD = {
  ...PLAIN_KERNEL,
  file: 'ops/add.wgsl',
  inputs: ['a', 'b'],
  outputs: ['y'],
  params: { count: 'u32' },
} as const satisfies KernelSpec;

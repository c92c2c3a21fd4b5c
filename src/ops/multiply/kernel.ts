import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** a times b, where each value of b is the factor of `run` values of a. */
export const MULTIPLY = {
  ...PLAIN_KERNEL,
  file: 'ops/multiply.wgsl',
  inputs: ['a', 'b'],
  outputs: ['y'],
  params: { count: 'u32', run: 'u32' },
} as const satisfies KernelSpec;

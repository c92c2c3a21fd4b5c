import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Weights of the chosen experts, divided by their sum. */
export const NORMALISE = {
  ...PLAIN_KERNEL,
  file: 'ops/normalise.wgsl',
  inputs: ['p', 'indices'],
  outputs: ['weights'],
  params: { count: 'u32', nExpert: 'u32', nUsed: 'u32' },
} as const satisfies KernelSpec;

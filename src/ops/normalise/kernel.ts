import { PLAIN_KERNEL, type KernelSpec, type KernelVariant } from '../kernel-spec';

/** The variant that does not divide. */
export const AS_THEY_ARE = { id: 'as they are', constants: { DIVIDE: 0 } } as const satisfies KernelVariant;

/** Weights of the chosen experts, divided by their sum or as they are. */
export const NORMALISE = {
  ...PLAIN_KERNEL,
  file: 'ops/normalise.wgsl',
  variants: [...PLAIN_KERNEL.variants, AS_THEY_ARE],
  inputs: ['p', 'indices'],
  outputs: ['weights'],
  params: { count: 'u32', nExpert: 'u32', nUsed: 'u32' },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** The experts of the highest probabilities, descending; ties to the lower index. Of some groups, where `nOpen` is not 0. */
export const TOP_K = {
  ...PLAIN_KERNEL,
  file: 'ops/top_k.wgsl',
  inputs: ['probs', 'open'],
  outputs: ['indices'],
  params: { count: 'u32', nExpert: 'u32', nUsed: 'u32', groupSize: 'u32', nOpen: 'u32' },
} as const satisfies KernelSpec;

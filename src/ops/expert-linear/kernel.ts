import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Slots grouped by expert: the work list of a product with chosen experts, made on the GPU. */
export const EXPERT_SLOTS = {
  ...PLAIN_KERNEL,
  file: 'ops/expert_linear_slots.wgsl',
  variants: [{ id: 'plain', constants: { EXPERTS: 128 } }],
  inputs: ['indices'],
  outputs: ['entries', 'tokenRows', 'slotRows'],
  params: {
    count: 'u32',
    nUsed: 'u32',
    tile: 'u32',
    entryCount: 'u32',
    firstExpert: 'u32',
    endExpert: 'u32',
    expertWords: 'u32',
  },
} as const satisfies KernelSpec;

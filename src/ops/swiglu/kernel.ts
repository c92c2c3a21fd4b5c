import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** silu(gate) * up, element by element. */
export const SWIGLU = {
  ...PLAIN_KERNEL,
  file: 'ops/swiglu.wgsl',
  inputs: ['gate', 'up'],
  outputs: ['y'],
  params: { count: 'u32' },
} as const satisfies KernelSpec;

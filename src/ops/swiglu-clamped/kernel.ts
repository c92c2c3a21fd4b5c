import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** g sigmoid(alpha g) (u + 1), element by element, both factors cut off. */
export const SWIGLU_CLAMPED = {
  ...PLAIN_KERNEL,
  file: 'ops/swiglu_clamped.wgsl',
  inputs: ['gate', 'up'],
  outputs: ['y'],
  params: { count: 'u32', alpha: 'f32', limit: 'f32' },
} as const satisfies KernelSpec;

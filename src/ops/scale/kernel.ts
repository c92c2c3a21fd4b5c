import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** x * factor, element by element. */
export const SCALE = {
  ...PLAIN_KERNEL,
  file: 'ops/scale.wgsl',
  inputs: ['x'],
  outputs: ['y'],
  params: { count: 'u32', factor: 'f32' },
} as const satisfies KernelSpec;

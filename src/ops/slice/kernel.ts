import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Some columns of each row. */
export const SLICE = {
  ...PLAIN_KERNEL,
  file: 'ops/slice.wgsl',
  inputs: ['x'],
  outputs: ['y'],
  params: { count: 'u32', width: 'u32', stride: 'u32', first: 'u32', yOffset: 'u32' },
} as const satisfies KernelSpec;

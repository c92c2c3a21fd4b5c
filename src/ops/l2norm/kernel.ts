import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Heads divided by their length. */
export const L2NORM = {
  ...PLAIN_KERNEL,
  file: 'ops/l2norm.wgsl',
  inputs: ['x'],
  outputs: ['y'],
  params: { rows: 'u32', rowLength: 'u32', times: 'u32', eps: 'f32' },
} as const satisfies KernelSpec;

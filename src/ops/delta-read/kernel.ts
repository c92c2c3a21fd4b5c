import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** A state times a query. */
export const DELTA_READ = {
  ...PLAIN_KERNEL,
  file: 'ops/delta_read.wgsl',
  inputs: ['state', 'q'],
  outputs: ['y'],
  params: { count: 'u32', nHeadK: 'u32', nHeadV: 'u32', n: 'u32', m: 'u32', scale: 'f32' },
} as const satisfies KernelSpec;

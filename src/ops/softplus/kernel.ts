import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** log(1 + exp(x + bias)), one bias a column. */
export const SOFTPLUS = {
  ...PLAIN_KERNEL,
  file: 'ops/softplus.wgsl',
  inputs: ['x'],
  weights: ['bias'],
  outputs: ['y'],
  params: { count: 'u32', width: 'u32' },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** The state of a gated delta net, token by token. */
export const DELTA_RULE = {
  ...PLAIN_KERNEL,
  file: 'ops/delta_rule.wgsl',
  inputs: ['k', 'v', 'decay', 'beta', 'before'],
  outputs: ['y'],
  params: { count: 'u32', rows: 'u32', nHeadK: 'u32', nHeadV: 'u32', n: 'u32', m: 'u32', each: 'u32' },
} as const satisfies KernelSpec;

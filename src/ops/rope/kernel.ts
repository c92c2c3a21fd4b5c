import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Rotary embedding, angles from a table. */
export const ROPE = {
  ...PLAIN_KERNEL,
  file: 'ops/rope.wgsl',
  inputs: ['x', 'table'],
  outputs: ['y'],
  params: {
    count: 'u32',
    pairs: 'u32',
    heads: 'u32',
    headDim: 'u32',
    step: 'u32',
    apart: 'u32',
    yOffset: 'u32',
  },
} as const satisfies KernelSpec;

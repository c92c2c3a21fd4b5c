import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** Rows of a token, or of each of its heads, divided by their root mean square and multiplied by a weight. */
export const RMSNORM = {
  ...PLAIN_KERNEL,
  file: 'ops/rmsnorm.wgsl',
  inputs: ['x'],
  weights: ['weight'],
  outputs: ['y'],
  params: { rows: 'u32', rowLength: 'u32', rowsPerToken: 'u32', xStride: 'u32', xOffset: 'u32', eps: 'f32' },
} as const satisfies KernelSpec;

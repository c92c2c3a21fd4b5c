import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** `window` of rows that see all before them: longer than any. */
export const NO_WINDOW = 0xffffffff;

/** Of the visible keys of a head, or of all experts of a router. */
export const SOFTMAX = {
  ...PLAIN_KERNEL,
  file: 'ops/softmax.wgsl',
  inputs: ['x'],
  weights: ['sinks'],
  outputs: ['y'],
  params: {
    rows: 'u32',
    rowLength: 'u32',
    causal: 'u32',
    rowsPerToken: 'u32',
    firstPosition: 'u32',
    window: 'u32',
    hasSinks: 'u32',
  },
} as const satisfies KernelSpec;

import { PLAIN_KERNEL, type KernelSpec } from '../kernel-spec';

/** What stands beside a weight, behind its products: scale and bias. The products themselves are one kernel a method and type. */
export const LINEAR_AFFINE = {
  ...PLAIN_KERNEL,
  file: 'ops/linear_affine.wgsl',
  inputs: ['x', 'indices'],
  weights: ['scale', 'bias'],
  outputs: ['y'],
  params: {
    count: 'u32',
    nOut: 'u32',
    nExpert: 'u32',
    isScaled: 'u32',
    isBiased: 'u32',
    biasFirst: 'u32',
    biasStride: 'u32',
    yOffset: 'u32',
  },
} as const satisfies KernelSpec;

import type { KernelSpec } from './kernel-spec';

const PLAIN = [{ id: 'plain' }] as const;

/** y[i] = a[i] + b[i], f32. One lane an element; the grid wraps into y beyond 65,535 workgroups. */
export const ADD = {
  file: 'add.wgsl',
  entry: 'main',
  inputs: ['a', 'b'],
  weights: [],
  outputs: ['y'],
  params: { count: 'u32' },
  variants: PLAIN,
} as const satisfies KernelSpec;

/** Every kernel but the products, whose table is `matmul/`. */
export const KERNELS: readonly KernelSpec[] = [ADD];

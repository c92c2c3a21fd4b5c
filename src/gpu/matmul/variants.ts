import { QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import type { KernelSpec, KernelVariant } from '../kernel-spec';
import { weightLayout } from './weight-layout';

/** Mirrors `struct Params` of `shaders/lib/matmul_params.wgsl`. */
const MATMUL_PARAMS = {
  nIn: 'u32',
  nOut: 'u32',
  rowVec4s: 'u32',
  xStride: 'u32',
  xOffset: 'u32',
  yStride: 'u32',
  yOffset: 'u32',
} as const;

/** Most rows of x that an entry of the work list may bring: one for decoding, eight for prompts. */
const NAIVE_TILES = [1, 8] as const;

/** One lane a row of W. Runs everywhere; the reference for the others. */
export const MATMUL_NAIVE = {
  file: 'matmul_naive.wgsl',
  entry: 'main',
  inputs: ['x', 'entries', 'rows'],
  weights: ['weights'],
  outputs: ['y'],
  params: MATMUL_PARAMS,
  variants: QUANT_TYPES.flatMap((type) => NAIVE_TILES.map((tile) => naiveVariant(type, tile))),
} as const satisfies KernelSpec;

/** y[i] = row rows[i] of W, dequantised. */
export const DEQUANT_ROWS = {
  file: 'dequant_rows.wgsl',
  entry: 'main',
  inputs: ['rows'],
  weights: ['weights'],
  outputs: ['y'],
  params: { nIn: 'u32', rowVec4s: 'u32' },
  variants: QUANT_TYPES.map(typeVariant),
} as const satisfies KernelSpec;

/** The products' part of the kernel table. */
export const MATMUL_KERNELS: readonly KernelSpec[] = [MATMUL_NAIVE, DEQUANT_ROWS];

export function naiveVariant(type: QuantType, tile: (typeof NAIVE_TILES)[number]): KernelVariant {
  return {
    id: `${type} ${tile}`,
    includes: { weights: weightLayout(type).shader, tokens: `lib/tokens_${tile}.wgsl` },
  };
}

export function typeVariant(type: QuantType): KernelVariant {
  return { id: type, includes: { weights: weightLayout(type).shader } };
}

import type { QuantType } from '../../gguf/ggml-types';
import { KERNEL_TABLE } from '../kernel-table';
import type { KernelSpec } from '../../ops/kernel-spec';
import { matmulVariant } from '../matmul/variants';

const base = { entry: 'main', weights: [], variants: [{ id: 'plain' }] } as const;

/** Kernels that are wrong on purpose; each file's header says how. `first` and `end`: the tokens of the dispatch that are struck. */
// prettier-ignore
export const FAULT_KERNELS = {
  attnScoresModulo: { ...KERNEL_TABLE.attnScores, file: 'faults/attn_scores_modulo.wgsl' },
  attnValuesModulo: { ...KERNEL_TABLE.attnValues, file: 'faults/attn_values_modulo.wgsl' },
  noRenorm: {
    ...base, file: 'faults/no_renorm.wgsl', inputs: ['p', 'indices'], outputs: ['weights'],
    params: { count: 'u32', nExpert: 'u32', nUsed: 'u32', first: 'u32', end: 'u32' },
  },
  ropeInterleaved: {
    ...base, file: 'faults/rope_interleaved.wgsl', inputs: ['x', 'table'], outputs: ['y'],
    params: { count: 'u32', pairs: 'u32', heads: 'u32', yOffset: 'u32', first: 'u32', end: 'u32' },
  },
  softmaxAfterTopk: {
    ...base, file: 'faults/softmax_after_topk.wgsl', inputs: ['x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', nUsed: 'u32', first: 'u32', end: 'u32' },
  },
  wrongSlotWeight: {
    ...base, file: 'faults/wrong_slot_weight.wgsl', inputs: ['weights', 'x'], outputs: ['y'],
    params: { count: 'u32', rowLength: 'u32', nUsed: 'u32', first: 'u32', end: 'u32' },
  },
} as const satisfies Record<string, KernelSpec>;

/** Rows of x that an entry of the half-precision product's work list may bring. */
export const F16_TILE = 8;

/** The product of `linear_naive.wgsl` with sums in half precision. */
export function f16Matmul(type: QuantType) {
  const { kernel, variant, rowsPerGroup } = matmulVariant(type, { kind: 'naive', tile: F16_TILE });
  return { kernel: { ...kernel, file: 'faults/matmul_f16.wgsl' }, variant, rowsPerGroup };
}

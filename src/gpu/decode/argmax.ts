import type { KernelSpec } from '../../ops/kernel-spec';

const base = { entry: 'main', weights: [], variants: [{ id: 'plain' }] } as const;

/** The largest logit of each part. */
export const ARGMAX_PARTS = {
  ...{ ...base, file: 'sampling/argmax_parts.wgsl', inputs: ['x'], outputs: ['parts'] },
  params: { count: 'u32', perGroup: 'u32' },
} as const satisfies KernelSpec;

/** The largest of the parts'. */
export const ARGMAX_LAST = {
  ...{ ...base, file: 'sampling/argmax_last.wgsl', inputs: ['parts'], outputs: ['token'] },
  params: { count: 'u32' },
} as const satisfies KernelSpec;

/** Most parts of the search for the largest logit, and the fewest values of one: a value a lane. */
export const ARGMAX_MOST_PARTS = 128;
const LEAST_PART = 256;

/** How the search is cut: values a workgroup, and workgroups. */
export function argmaxParts(nVocab: number): { readonly perGroup: number; readonly count: number } {
  const perGroup = Math.max(LEAST_PART, Math.ceil(nVocab / ARGMAX_MOST_PARTS));
  return { perGroup, count: Math.ceil(nVocab / perGroup) };
}

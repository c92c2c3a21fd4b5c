import { LIVE_ARMS, type LiveArm } from './live';

/**
 * THE ARMS that can run here. Of two in a run, the later in this table is the reference: the exact one wherever it takes part.
 */
export const RUN_ARMS = [
  { id: 'gpu', title: 'GPU', what: 'WGSL kernels on WebGPU, f32 throughout' },
  {
    id: 'cpu-ggml',
    title: 'llama.cpp-like',
    what: "the reference's products of activations quantised as llama.cpp's CPU does",
  },
  { id: 'exact-gpu', title: 'reference on the GPU', what: 'exact: integer sums on the GPU, rounded to f64 once' },
  { id: 'cpu', title: 'reference', what: 'exact: f64 from the dequantised weights on' },
] as const satisfies readonly { readonly id: string; readonly title: string; readonly what: string }[];

export type BuiltInArm = (typeof RUN_ARMS)[number]['id'];
/** Of a run: one of the table, or a live llama.cpp, which runs under Node alone. */
export type RunArm = BuiltInArm | LiveArm;

export const RUN_ARM_IDS: readonly BuiltInArm[] = RUN_ARMS.map((arm) => arm.id);

/** These in the order of a run: live engines, which are never a reference, then those of the table. */
export function inArmOrder(arms: readonly RunArm[]): readonly RunArm[] {
  return [...LIVE_ARMS, ...RUN_ARM_IDS].filter((arm) => arms.includes(arm));
}

/** At most this many take part in a run. */
export const MOST_ARMS = 2;

/** Whether the derived bounds of an f32 kernel hold for an arm: those of other numerics are compared by the cosine. */
export function isF32(arm: string): boolean {
  return arm === 'gpu';
}

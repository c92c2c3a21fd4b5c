import type { OpName } from '../arch/operations';
import type { StageId } from './stages';

/** What a kernel ran for: a prompt (or a token of one), stages alone, or a token of the fast decoder. */
export type KernelPath = (typeof KERNEL_PATHS)[number];
export const KERNEL_PATHS = ['prompt', 'isolated', 'decode'] as const;

/** One variant of a kernel that ran. */
export interface KernelUse {
  /** Its file inside `shaders/`, without `ops/` and the ending: `linear_lane_group`, `fusions/attention`. */
  readonly kernel: string;
  /** `Q4_K x8 workgroup of 32, 2 rows`. */
  readonly variant: string;
  readonly path: KernelPath;
  /** The operations that it computed; more than one: at once. */
  readonly ops: readonly OpName[];
  /** The stages whose values it made. */
  readonly stages: readonly StageId[];
  readonly dispatches: number;
}

/** A kernel and its variant in one text, as captured values name it. */
export function kernelText(kernel: string, variant: string): string {
  return variant === 'plain' ? kernel : `${kernel} ${variant}`;
}

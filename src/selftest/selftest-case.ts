import type { QuantType } from '../gguf/ggml-types';
import type { KernelSpec, KernelVariant } from '../ops/kernel-spec';
import type { LoneWork } from '../gpu/probe/run-alone';
import type { Expected } from './expected';

/** What a kernel's weights, or else its values, are made of. */
export type SelftestType = QuantType | 'f32' | 'u32';

/** What an adapter must have for a case. */
export interface Needs {
  readonly subgroups?: boolean;
  /** Neighbouring lanes that are sure to share a subgroup. */
  readonly subgroupLanes?: number;
  /** Lanes of a workgroup. */
  readonly workgroupLanes?: number;
}

/** One kernel variant on one shape, with seeded data and what an honest kernel may answer. */
export interface SelftestCase {
  /** The shader's path without its ending, and for products the method: what rows of the report are called. */
  readonly kernel: string;
  /** What the kernel's weights, or else its values, are made of; several where a kernel reads several matrices. */
  readonly types: readonly SelftestType[];
  /** What is awkward about it, in a few words. */
  readonly shape: string;
  readonly spec: KernelSpec;
  readonly variant: KernelVariant;
  readonly needs?: Needs;
  /**
   * A software adapter leaves it out unless asked: it never uses this pipeline for a model, another case covers the shader's text, and
   * compiling it there takes seconds.
   */
  readonly isExtra?: boolean;
  /** Made when the case runs. */
  readonly make: () => CaseWork;
}

export interface CaseWork extends LoneWork {
  /** By output. */
  readonly expected: Readonly<Record<string, Expected>>;
}

import type { ModelGraph, Node, Section } from '../arch/graph';
import type { OpName } from '../arch/operations';
import type { KernelSpec } from '../ops/kernel-spec';
import type { Mismatch } from './cover';

/** What decides, beside the graph's nodes, which kernels compute the rows of a step. */
export interface RowsFacts {
  readonly graph: ModelGraph;
  /** Whether attention may be computed without its scores being stored. */
  readonly tiles: boolean;
  /** Whether sums over values are shared among lanes, for so many channels of a token. */
  readonly sharesValues: (channels: number) => boolean;
  /** How many of these products, from the first on, have matrices that one dispatch multiplies as if they were one. */
  readonly joined: (nodes: readonly Node<'linear'>[]) => number;
  /** Ids of values that are computed in another way than usual. */
  readonly replaced: ReadonlySet<string>;
}

/** Nodes of a section that one kernel computes at once for all rows of a chunk. */
export interface RowsFusion<C> {
  readonly name: string;
  readonly covers: readonly OpName[];
  readonly kernels: readonly KernelSpec[];
  /** The nodes that it computes together with the one at `at`, which is their first; or why it does not. */
  fit(section: Section, at: number, facts: RowsFacts): C | Mismatch;
}

import type { ParamsSpec } from './kernel-params';

/** A piece of a kernel's text, includes in place, and what stands there instead. It must occur exactly once. */
export type Edit = readonly [from: string, to: string];

/** How one kernel file is specialised: which files its `#include <name>` lines mean, its constants and its overrides. */
export interface KernelVariant {
  /** Unique within the kernel; for labels and tests. */
  readonly id: string;
  readonly includes?: Readonly<Record<string, string>>;
  /** What its `#const NAME` lines are: u32 constants that WGSL wants in the text, since arrays of functions are as long as they say. */
  readonly consts?: Readonly<Record<string, number>>;
  readonly constants?: Readonly<Record<string, number>>;
  /** A defect on purpose: where the text differs from the file's. */
  readonly edits?: readonly Edit[];
  /** A feature without which the variant does not compile. */
  readonly feature?: 'subgroups';
}

/**
 * One row of the kernel table. Bindings of group 0 are numbered in this order: inputs, weights (read-only storage), outputs (storage,
 * read and write), then `params` (uniform).
 */
export interface KernelSpec {
  /** Path inside `shaders/`. */
  readonly file: string;
  readonly entry: string;
  readonly inputs: readonly string[];
  readonly weights: readonly string[];
  readonly outputs: readonly string[];
  readonly params: ParamsSpec;
  /** Every include choice, and constants as a run may set them: what the compile test compiles. */
  readonly variants: readonly KernelVariant[];
}

/** What most kernels have in common: one entry point, no weights, one variant. */
export const PLAIN_KERNEL = { entry: 'main', weights: [], variants: [{ id: 'plain' }] } as const;

/** The names of a kernel's storage bindings. */
export type BindingName<K extends KernelSpec> = K['inputs'][number] | K['weights'][number] | K['outputs'][number];

/** Storage bindings in binding order, `params` left out. */
export function storageBindings(kernel: KernelSpec): readonly StorageBinding[] {
  let known = bindingsOf.get(kernel);
  if (known === undefined) {
    known = [
      ...[...kernel.inputs, ...kernel.weights].map((name) => ({ name, writable: false })),
      ...kernel.outputs.map((name) => ({ name, writable: true })),
    ];
    bindingsOf.set(kernel, known);
  }
  return known;
}

interface StorageBinding {
  readonly name: string;
  readonly writable: boolean;
}

/** Each dispatch asks. */
const bindingsOf = new WeakMap<KernelSpec, readonly StorageBinding[]>();

/** What a kernel is called in reports: its path inside `shaders/`, without `ops/` and the ending. */
export function kernelName({ file }: Pick<KernelSpec, 'file'>): string {
  return file.replace(/^ops\//, '').replace(/\.wgsl$/, '');
}

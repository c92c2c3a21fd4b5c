import { rowLength, shapeOf, type Sizes, type Value } from '../arch/graph';

/**
 * How values lie between two fused kernels, one token's:
 * `rows`: packed, several side by side.
 * `folded`: as `shaders/fusions/lib/places.wgsl` folds; each slot of its own where there are slots.
 * `stream`: packed, then times the gain of the RMSNorm that reads it next and folded, then sums of squares of parts of it.
 * `keyed`: u32 keys that order as the values do, then the values, each padded to whole pieces of 32.
 * `route`: chosen experts, then the bits of their weights.
 */
export type Form = 'rows' | 'folded' | 'stream' | 'keyed' | 'route';

/** Values that lie together. */
export interface Placed {
  readonly form: Form;
  readonly values: readonly Value[];
}

/** Words that one token's values take in a form. */
export function formWords({ form, values }: Placed, sizes: Sizes): number {
  const lengths = values.map((value) => rowLength(value, sizes, 1));
  const all = lengths.reduce((a, b) => a + b, 0);
  switch (form) {
    case 'rows':
    case 'route':
      return all;
    case 'folded':
      return values.reduce((sum, value) => sum + slotsOf(value, sizes) * foldedWords(lastAxis(value, sizes)), 0);
    case 'stream':
      // One sum of squares for each value at most.
      return 2 * Math.ceil(all / 4) * 4 + foldedWords(all);
    case 'keyed':
      return 2 * paddedTo32(all);
  }
}

/** Words of a folded vector. */
export function foldedWords(length: number): number {
  return 128 * Math.ceil(length / 128);
}

/** Whole pieces of 32. */
export function paddedTo32(length: number): number {
  return Math.ceil(length / 32) * 32;
}

/** Length of a value's last axis. */
export function lastAxis(value: Value, sizes: Sizes): number {
  return shapeOf(value.axes, sizes, { nTokens: 1, nKeys: 1 }).at(-1) ?? 1;
}

function slotsOf(value: Value, sizes: Sizes): number {
  return rowLength(value, sizes, 1) / lastAxis(value, sizes);
}

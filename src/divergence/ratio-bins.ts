/**
 * Upper edges, included, of the bins that count error / bound over the elements of a row: exact zeros, then decades. The last bin holds what is
 * above every edge, or not finite. Fixed, so that rows, runs and machines can be laid over each other.
 */
export const RATIO_EDGES = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10] as const;

/** Bins of a distribution of ratios. */
export const RATIO_BINS = RATIO_EDGES.length + 1;

/** The bin of one ratio; NaN goes to the last. */
export function ratioBin(ratio: number): number {
  // Called for every element of every capture: no closure, no iterator.
  let bin = 0;
  while (bin < RATIO_EDGES.length && !(ratio <= RATIO_EDGES[bin]!)) bin++;
  return bin;
}

/** What benchmarks make of their times. */

/**
 * The middle value, the mean of both middle ones of an even number; NaN of none.
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/**
 * The middle of some values with the lowest and the highest: `12.3 (11.9 to 14.0)`.
 * @param {readonly number[]} values
 * @param {number} [digits]
 */
export function withSpread(values, digits = 1) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${low} to ${high})`;
}

/** Tokens of one run of the decoder in reports of `moescope-bench/1`, and those of them that filled the GPU's queue. */
const OLD_RUN = 128;
const FILLING = 4;

/**
 * Milliseconds of a decoded token, alike in both schemas. The engine's tokens wait for each other: the middle one stands for them. The decoder's overlap, so
 * that their times mean something together only: reports of schema 1 hold whole runs of tokens, the first of which wait until the queue is full; later
 * ones leave those out.
 * @param {{ schema: string, decode: { runs: readonly number[], by?: { by: string } } }} bench
 */
export function decodedMs({ schema, decode: { runs, by } }) {
  if (by?.by !== 'decoder') return median(runs);
  const isWhole = schema === 'moescope-bench/1' && runs.length > 2 * FILLING;
  const steady = isWhole ? runs.filter((_, i) => i % OLD_RUN >= FILLING) : runs;
  return steady.reduce((sum, ms) => sum + ms, 0) / steady.length;
}

/**
 * In place over x[at .. at + n): exp(x_i - max) / sum_j exp(x_j - max). One NaN or +Infinity makes every element NaN, which is how
 * a NaN stays visible.
 * @param sink one more value of the row, which takes its share of the sum and is not among the results
 */
export function softmax(x: Float64Array, at: number, n: number, sink = -Infinity): void {
  let max = sink;
  for (let i = 0; i < n; i++) if (x[at + i]! > max) max = x[at + i]!;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = Math.exp(x[at + i]! - max);
    x[at + i] = e;
    sum += e;
  }
  sum += Math.exp(sink - max);
  for (let i = 0; i < n; i++) x[at + i]! /= sum;
}

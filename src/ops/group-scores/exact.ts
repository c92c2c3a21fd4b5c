/** For each group of `size` values, two or more, the sum of its two largest; NaN where one is. */
export function groupScores(x: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(x.length / size);
  for (let group = 0; group < out.length; group++) {
    let best = -Infinity;
    let second = -Infinity;
    let broken = false;
    for (let i = group * size; i < (group + 1) * size; i++) {
      const value = x[i]!;
      broken ||= Number.isNaN(value);
      second = Math.max(second, Math.min(best, value));
      best = Math.max(best, value);
    }
    out[group] = broken ? NaN : best + second;
  }
  return out;
}

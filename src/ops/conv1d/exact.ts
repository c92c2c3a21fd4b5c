/** The row of `back` tokens before the one at hand; undefined before the first token, where all is 0. */
export type Earlier = (back: number) => Float64Array | undefined;

/**
 * One token's row: out[c] = sum_j weight[c, j] x[t - K + 1 + j, c], terms in the order of time.
 * @param weight (channels, K) as it lies in a file: {K, channels}
 */
export function conv1d(
  earlier: Earlier,
  weight: Float32Array,
  channels: number,
  out: Float64Array,
  outAt: number,
): void {
  const taps = weight.length / channels;
  for (let j = 0; j < taps; j++) {
    const x = earlier(taps - 1 - j);
    if (x === undefined) continue;
    for (let c = 0; c < channels; c++) out[outAt + c]! += weight[c * taps + j]! * x[c]!;
  }
}

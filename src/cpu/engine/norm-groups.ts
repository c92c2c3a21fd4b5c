import { rmsnorm } from '../kernels/rmsnorm';

/**
 * RMSNorm of groups of `weight.length` channels: one group a token for the layer norms, one a head for the q and k norms.
 * @param x (rows, stride); the `channels` normed ones start at `from` in each row
 * @returns (rows, channels)
 */
export function normGroups(
  x: Float64Array,
  stride: number,
  from: number,
  channels: number,
  weight: Float32Array,
  eps: number,
): Float64Array<ArrayBuffer> {
  const rows = x.length / stride;
  const out = new Float64Array(rows * channels);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c += weight.length) {
      rmsnorm(x, r * stride + from + c, weight, eps, out, r * channels + c);
    }
  }
  return out;
}

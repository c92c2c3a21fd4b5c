import type { Dequantise } from '../lib/dequantise';

/** BF16: the upper half of an f32. Bit patterns, so that NaN payloads arrive as they are in the file. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset + 4 * outAt, n);
  for (let i = 0, p = at; i < n; i++, p += 2) bits[i] = (bytes[p]! << 16) | (bytes[p + 1]! << 24);
};

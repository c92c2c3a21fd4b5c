import type { Dequantise } from '../lib/dequantise';

/** F32: the bytes as they are. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  new Uint8Array(out.buffer, out.byteOffset + 4 * outAt, 4 * n).set(bytes.subarray(at, at + 4 * n));
};

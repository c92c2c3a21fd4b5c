import type { Dequantise } from '../lib/dequantise';
import { F16_BITS } from '../lib/float16';

/** F16: exactly representable in f32. Bit patterns, so that NaN payloads arrive as they are in the file. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset + 4 * outAt, n);
  for (let i = 0, p = at; i < n; i++, p += 2) bits[i] = F16_BITS[bytes[p]! | (bytes[p + 1]! << 8)]!;
};

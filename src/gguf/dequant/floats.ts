import type { Dequantise } from './dequantise';
import { f16BitsToF32Bits } from './float16';

// Unquantised types go through bit patterns, so that NaN payloads and signalling bits arrive as they are in the file.

/** F32: the bytes as they are. */
export const dequantiseF32: Dequantise = (bytes, at, out, outAt, n) => {
  new Uint8Array(out.buffer, out.byteOffset + 4 * outAt, 4 * n).set(bytes.subarray(at, at + 4 * n));
};

/** F16: IEEE binary16, exactly representable in f32. */
export const dequantiseF16: Dequantise = (bytes, at, out, outAt, n) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset + 4 * outAt, n);
  for (let i = 0, p = at; i < n; i++, p += 2) bits[i] = F16_BITS[bytes[p]! | (bytes[p + 1]! << 8)]!;
};

/** BF16: the upper half of an f32. */
export const dequantiseBF16: Dequantise = (bytes, at, out, outAt, n) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset + 4 * outAt, n);
  for (let i = 0, p = at; i < n; i++, p += 2) bits[i] = (bytes[p]! << 16) | (bytes[p + 1]! << 24);
};

const F16_BITS = Uint32Array.from({ length: 65536 }, (_, bits) => f16BitsToF32Bits(bits));

import type { Dequantise } from './dequantise';
import { F16_VALUES } from './float16';

/*
 * The block types of 32 elements: one f16 scale d (and minimum m), then the quants. Element j of a block is in the low nibble of byte j,
 * element j + 16 in the high one. ggml-quants.c dequantize_row_q*_ref computes in f32. Here the products are exact in f64 (11 bits of
 * scale, at most 8 of quant; every term a multiple of 2^-24 below 2^25), so storing to the Float32Array rounds once, like the f32 sum.
 */

const BLOCK = 32;
const HALF = 16;

/** Q8_0, 34 bytes: f16 d, 32 x i8. y = q d */
export const dequantiseQ8_0: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += BLOCK, p += 34) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < BLOCK; j++) out[y + j] = ((bytes[p + 2 + j]! << 24) >> 24) * d;
  }
};

/** Q4_0, 18 bytes: f16 d, 16 bytes of nibbles. y = (q - 8) d */
export const dequantiseQ4_0: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += BLOCK, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < HALF; j++) {
      const q = bytes[p + 2 + j]!;
      out[y + j] = ((q & 15) - 8) * d;
      out[y + j + HALF] = ((q >> 4) - 8) * d;
    }
  }
};

/** Q4_1, 20 bytes: f16 d, f16 m, 16 bytes of nibbles. y = q d + m */
export const dequantiseQ4_1: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += BLOCK, p += 20) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const m = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let j = 0; j < HALF; j++) {
      const q = bytes[p + 4 + j]!;
      out[y + j] = (q & 15) * d + m;
      out[y + j + HALF] = (q >> 4) * d + m;
    }
  }
};

/** Q5_0, 22 bytes: f16 d, u32 with the fifth bits (bit j of element j), 16 bytes of nibbles. y = (q - 16) d */
export const dequantiseQ5_0: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += BLOCK, p += 22) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const low = bytes[p + 2]! | (bytes[p + 3]! << 8);
    const high = bytes[p + 4]! | (bytes[p + 5]! << 8);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[p + 6 + j]!;
      out[y + j] = ((q & 15) + (((low >> j) & 1) << 4) - 16) * d;
      out[y + j + HALF] = ((q >> 4) + (((high >> j) & 1) << 4) - 16) * d;
    }
  }
};

/** Q5_1, 24 bytes: f16 d, f16 m, u32 with the fifth bits, 16 bytes of nibbles. y = q d + m */
export const dequantiseQ5_1: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += BLOCK, p += 24) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const m = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    const low = bytes[p + 4]! | (bytes[p + 5]! << 8);
    const high = bytes[p + 6]! | (bytes[p + 7]! << 8);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[p + 8 + j]!;
      out[y + j] = ((q & 15) + (((low >> j) & 1) << 4)) * d + m;
      out[y + j + HALF] = ((q >> 4) + (((high >> j) & 1) << 4)) * d + m;
    }
  }
};

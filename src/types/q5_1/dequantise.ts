import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q5_1, 24 bytes: f16 d, f16 m, u32 with the fifth bits, 16 bytes of nibbles. y = q d + m */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 24) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const m = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    const low = bytes[p + 4]! | (bytes[p + 5]! << 8);
    const high = bytes[p + 6]! | (bytes[p + 7]! << 8);
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 8 + j]!;
      out[y + j] = ((q & 15) + (((low >> j) & 1) << 4)) * d + m;
      out[y + j + 16] = ((q >> 4) + (((high >> j) & 1) << 4)) * d + m;
    }
  }
};

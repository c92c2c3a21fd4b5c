import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q5_0, 22 bytes: f16 d, u32 with the fifth bits (bit j of element j), 16 bytes of nibbles. y = (q - 16) d */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 22) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const low = bytes[p + 2]! | (bytes[p + 3]! << 8);
    const high = bytes[p + 4]! | (bytes[p + 5]! << 8);
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 6 + j]!;
      out[y + j] = ((q & 15) + (((low >> j) & 1) << 4) - 16) * d;
      out[y + j + 16] = ((q >> 4) + (((high >> j) & 1) << 4) - 16) * d;
    }
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q4_1, 20 bytes: f16 d, f16 m, 16 bytes of nibbles. y = q d + m */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 20) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const m = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 4 + j]!;
      out[y + j] = (q & 15) * d + m;
      out[y + j + 16] = (q >> 4) * d + m;
    }
  }
};

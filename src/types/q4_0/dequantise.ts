import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q4_0, 18 bytes: f16 d, 16 bytes of nibbles. y = (q - 8) d */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 2 + j]!;
      out[y + j] = ((q & 15) - 8) * d;
      out[y + j + 16] = ((q >> 4) - 8) * d;
    }
  }
};

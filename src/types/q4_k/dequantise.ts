import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { min6, scale6 } from '../lib/k-scales';

/** Q4_K, 144 bytes: f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles. y = (d sc) q - dmin m, per 32 elements. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 144) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d0 = d * scale6(bytes, p + 4, 2 * pair);
      const m0 = dmin * min6(bytes, p + 4, 2 * pair);
      const d1 = d * scale6(bytes, p + 4, 2 * pair + 1);
      const m1 = dmin * min6(bytes, p + 4, 2 * pair + 1);
      const q = p + 16 + 32 * pair;
      const y = block + 64 * pair;
      for (let l = 0; l < 32; l++) {
        const byte = bytes[q + l]!;
        out[y + l] = d0 * (byte & 15) - m0;
        out[y + l + 32] = d1 * (byte >> 4) - m1;
      }
    }
  }
};

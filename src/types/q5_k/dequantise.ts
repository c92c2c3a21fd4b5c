import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { min6, scale6 } from '../lib/k-scales';

/** Q5_K, 176 bytes: as Q4_K with 32 bytes of fifth bits (bit g of byte l: group g, element l) before the nibbles. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 176) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d0 = d * scale6(bytes, p + 4, 2 * pair);
      const m0 = dmin * min6(bytes, p + 4, 2 * pair);
      const d1 = d * scale6(bytes, p + 4, 2 * pair + 1);
      const m1 = dmin * min6(bytes, p + 4, 2 * pair + 1);
      const h = p + 16;
      const q = p + 48 + 32 * pair;
      const y = block + 64 * pair;
      for (let l = 0; l < 32; l++) {
        const byte = bytes[q + l]!;
        const high = bytes[h + l]! >> (2 * pair);
        out[y + l] = d0 * ((byte & 15) | ((high & 1) << 4)) - m0;
        out[y + l + 32] = d1 * ((byte >> 4) | ((high & 2) << 3)) - m1;
      }
    }
  }
};

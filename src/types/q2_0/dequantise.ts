import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q2_0, 18 bytes: f16 d, 64 quants of two bits, four neighbours a byte. y = (q - 1) d: -d, 0, d, 2 d */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 64, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 64; j++) out[block + j] = (((bytes[p + 2 + (j >> 2)]! >> (2 * (j & 3))) & 3) - 1) * d;
  }
};

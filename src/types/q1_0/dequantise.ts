import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q1_0, 18 bytes: f16 d, 128 bits. y = d where the bit is set, else -d: there is no zero. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 128, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 128; j++) out[block + j] = (bytes[p + 2 + (j >> 3)]! >> (j & 7)) & 1 ? d : -d;
  }
};

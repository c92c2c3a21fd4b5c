import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ4_LEVELS } from '../lib/iq4-levels';

/** IQ4_NL, 18 bytes: f16 d, 16 bytes of nibbles (element j low, j + 16 high). y = d level */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 2 + j]!;
      out[y + j] = d * IQ4_LEVELS[q & 15]!;
      out[y + j + 16] = d * IQ4_LEVELS[q >> 4]!;
    }
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ4_LEVELS } from '../lib/iq4-levels';

/** IQ4_XS, 136 bytes: f16 d, u16 high scale bits, 4 bytes low scale bits, 128 bytes of nibbles. y = d (sc - 32) level, per 32 elements. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 136) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const high = bytes[p + 2]! | (bytes[p + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[p + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      const dl = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
      const q = p + 8 + 16 * group;
      const y = block + 32 * group;
      for (let j = 0; j < 16; j++) {
        const byte = bytes[q + j]!;
        out[y + j] = dl * IQ4_LEVELS[byte & 15]!;
        out[y + j + 16] = dl * IQ4_LEVELS[byte >> 4]!;
      }
    }
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q2_K, 84 bytes: 16 x (4 bits scale, 4 bits minimum), 64 bytes of 2-bit quants, f16 d, f16 dmin. y = (d sc) q - dmin m, per 16 elements. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 84) {
    const d = F16_VALUES[bytes[p + 80]! | (bytes[p + 81]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 82]! | (bytes[p + 83]! << 8)]!;
    for (let group = 0; group < 16; group++) {
      const scale = bytes[p + group]!;
      const dl = d * (scale & 15);
      const ml = dmin * (scale >> 4);
      // Groups run 2 a shift, 8 a half of 128 elements; a half has 32 bytes of quants.
      const q = p + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      const y = block + group * 16;
      for (let l = 0; l < 16; l++) out[y + l] = dl * ((bytes[q + l]! >> shift) & 3) - ml;
    }
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q3_K, 110 bytes: 32 bytes of high bits, 64 bytes of 2-bit quants, 12 bytes with 16 6-bit scales, f16 d. y = d (sc - 32) (q - 4) */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 110) {
    const d = F16_VALUES[bytes[p + 108]! | (bytes[p + 109]! << 8)]!;
    const scales = p + 96;
    for (let group = 0; group < 16; group++) {
      // Low four bits: bytes 0-7, groups 0-7 in the low nibble and 8-15 in the high one. High two bits: bytes 8-11, two bits for each 4 groups.
      const low = (bytes[scales + (group & 7)]! >> (group & 8 ? 4 : 0)) & 15;
      const high = (bytes[scales + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
      const dl = d * ((low | (high << 4)) - 32);
      const q = p + 32 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      const h = p + (group & 1) * 16;
      const bit = group >> 1;
      const y = block + group * 16;
      for (let l = 0; l < 16; l++) {
        out[y + l] = dl * (((bytes[q + l]! >> shift) & 3) + (((bytes[h + l]! >> bit) & 1) << 2) - 4);
      }
    }
  }
};

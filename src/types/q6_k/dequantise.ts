import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q6_K, 210 bytes: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 x i8 scales, f16 d. y = (d sc) (q - 32), per 16 elements. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 210) {
    const d = F16_VALUES[bytes[p + 208]! | (bytes[p + 209]! << 8)]!;
    for (let half = 0; half < 2; half++) {
      const ql = p + 64 * half;
      const qh = p + 128 + 32 * half;
      const sc = p + 192 + 8 * half;
      for (let sub = 0; sub < 2; sub++) {
        const d0 = d * ((bytes[sc + sub]! << 24) >> 24);
        const d1 = d * ((bytes[sc + sub + 2]! << 24) >> 24);
        const d2 = d * ((bytes[sc + sub + 4]! << 24) >> 24);
        const d3 = d * ((bytes[sc + sub + 6]! << 24) >> 24);
        const y = block + 128 * half + 16 * sub;
        for (let l = 0; l < 16; l++) {
          const low = bytes[ql + 16 * sub + l]!;
          const low32 = bytes[ql + 16 * sub + l + 32]!;
          const high = bytes[qh + 16 * sub + l]!;
          out[y + l] = d0 * (((low & 15) | ((high & 3) << 4)) - 32);
          out[y + l + 32] = d1 * (((low32 & 15) | ((high & 12) << 2)) - 32);
          out[y + l + 64] = d2 * (((low >> 4) | (high & 48)) - 32);
          out[y + l + 96] = d3 * (((low32 >> 4) | ((high & 192) >> 2)) - 32);
        }
      }
    }
  }
};

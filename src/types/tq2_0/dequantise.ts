import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** TQ2_0, 66 bytes: 64 bytes of 2-bit quants (a half of 128 elements has 32 bytes, a run of 32 two bits of each), f16 d. y = (q - 1) d */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 66) {
    const d = F16_VALUES[bytes[p + 64]! | (bytes[p + 65]! << 8)]!;
    for (let run = 0; run < 8; run++) {
      const q = p + 32 * (run >> 2);
      const shift = 2 * (run & 3);
      const y = block + 32 * run;
      for (let m = 0; m < 32; m++) out[y + m] = (((bytes[q + m]! >> shift) & 3) - 1) * d;
    }
  }
};

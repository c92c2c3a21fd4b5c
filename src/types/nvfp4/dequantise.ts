import type { Dequantise } from '../lib/dequantise';
import { E2M1_DOUBLED } from '../lib/e2m1';
import { HALF_UE4M3 } from '../lib/ue4m3';

/** NVFP4, 36 bytes: 4 scales (UE4M3) for 16 values each, 32 bytes of nibbles (of 16 values, j low, j + 8 high). y = scale / 2 level */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 64, p += 36) {
    for (let sub = 0; sub < 4; sub++) {
      const d = HALF_UE4M3[bytes[p + sub]!]!;
      const y = block + 16 * sub;
      for (let j = 0; j < 8; j++) {
        const q = bytes[p + 4 + 8 * sub + j]!;
        out[y + j] = d * E2M1_DOUBLED[q & 15]!;
        out[y + j + 8] = d * E2M1_DOUBLED[q >> 4]!;
      }
    }
  }
};

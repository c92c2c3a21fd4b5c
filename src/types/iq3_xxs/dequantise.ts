import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ3_XXS_GRID } from '../lib/grids/iq3_xxs';
import { putFour } from '../lib/signed-rows';
import { EVEN_SIGNS } from '../lib/signs';

const GRID = IQ3_XXS_GRID.entries;

/**
 * IQ3_XXS, 98 bytes: f16 d, 64 row indices for 4 values each, 8 u32 with the signs and the scale of 32 values as in IQ2_XXS.
 * y = d (sc + 1/2) / 2 (+-) grid
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 98) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const w = p + 66 + 4 * group;
      const word = bytes[w]! | (bytes[w + 1]! << 8) | (bytes[w + 2]! << 16) | (bytes[w + 3]! << 24);
      const dl = d * (0.5 + (word >>> 28)) * 0.5;
      for (let four = 0; four < 8; four++) {
        const signs = EVEN_SIGNS[(word >>> (7 * (four >> 1))) & 127]! >> (4 * (four & 1));
        putFour(GRID, bytes[p + 2 + 8 * group + four]!, signs, dl, out, block + 32 * group + 4 * four);
      }
    }
  }
};

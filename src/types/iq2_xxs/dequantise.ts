import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ2_XXS_GRID } from '../lib/grids/iq2_xxs';
import { putEight } from '../lib/signed-rows';
import { EVEN_SIGNS } from '../lib/signs';

const GRID = IQ2_XXS_GRID.entries;

/**
 * IQ2_XXS, 66 bytes: f16 d, 8 groups of 32 values: four row indices, then a u32 with four seven-bit signs and, on top, a scale of four bits.
 * y = d (sc + 1/2) / 4 (+-) grid
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 66) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const q = p + 2 + 8 * group;
      const word = bytes[q + 4]! | (bytes[q + 5]! << 8) | (bytes[q + 6]! << 16) | (bytes[q + 7]! << 24);
      const dl = d * (0.5 + (word >>> 28)) * 0.25;
      for (let l = 0; l < 4; l++) {
        putEight(GRID, bytes[q + l]!, EVEN_SIGNS[(word >>> (7 * l)) & 127]!, dl, out, block + 32 * group + 8 * l);
      }
    }
  }
};

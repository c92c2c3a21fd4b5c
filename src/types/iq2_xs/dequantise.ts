import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ2_XS_GRID } from '../lib/grids/iq2_xs';
import { putEight } from '../lib/signed-rows';
import { EVEN_SIGNS } from '../lib/signs';

const GRID = IQ2_XS_GRID.entries;

/**
 * IQ2_XS, 74 bytes: f16 d, 32 u16 (nine bits of row index, seven of signs) for 8 values each, 8 bytes of scales, a nibble for each 16 values.
 * y = d (sc + 1/2) / 4 (+-) grid
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 74) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let eight = 0; eight < 32; eight++) {
      const scale = (bytes[p + 66 + (eight >> 2)]! >> (2 * (eight & 2))) & 15;
      const q = bytes[p + 2 + 2 * eight]! | (bytes[p + 3 + 2 * eight]! << 8);
      putEight(GRID, q & 511, EVEN_SIGNS[q >> 9]!, d * (0.5 + scale) * 0.25, out, block + 8 * eight);
    }
  }
};

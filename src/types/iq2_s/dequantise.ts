import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ2_S_GRID } from '../lib/grids/iq2_s';
import { putEight } from '../lib/signed-rows';

const GRID = IQ2_S_GRID.entries;

/**
 * IQ2_S, 82 bytes: f16 d, 32 bytes of low index bits, 32 of signs, 8 with two high index bits for each 8 values, 8 of scales, a nibble for
 * each 16 values. y = d (sc + 1/2) / 4 (+-) grid
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 82) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let eight = 0; eight < 32; eight++) {
      const scale = (bytes[p + 74 + (eight >> 2)]! >> (2 * (eight & 2))) & 15;
      const high = (bytes[p + 66 + (eight >> 2)]! >> (2 * (eight & 3))) & 3;
      const row = bytes[p + 2 + eight]! | (high << 8);
      putEight(GRID, row, bytes[p + 34 + eight]!, d * (0.5 + scale) * 0.25, out, block + 8 * eight);
    }
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ3_S_GRID } from '../lib/grids/iq3_s';
import { putFour } from '../lib/signed-rows';

const GRID = IQ3_S_GRID.entries;

/**
 * IQ3_S, 110 bytes: f16 d, 64 bytes of low index bits for 4 values each, 8 bytes of high ones, 32 of signs, 4 of scales, a nibble for each 32
 * values. y = d (1 + 2 sc) (+-) grid
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 110) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const dl = d * (1 + 2 * ((bytes[p + 106 + (group >> 1)]! >> (4 * (group & 1))) & 15));
      const high = bytes[p + 66 + group]!;
      for (let four = 0; four < 8; four++) {
        const row = bytes[p + 2 + 8 * group + four]! | (((high >> four) & 1) << 8);
        const signs = bytes[p + 74 + 4 * group + (four >> 1)]! >> (4 * (four & 1));
        putFour(GRID, row, signs, dl, out, block + 32 * group + 4 * four);
      }
    }
  }
};

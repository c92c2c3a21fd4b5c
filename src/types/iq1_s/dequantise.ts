import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ1_GRID } from '../lib/grids/iq1';

const GRID = IQ1_GRID.entries;

/**
 * IQ1_S, 50 bytes: f16 d, 32 bytes of low index bits for 8 values each, 8 u16 for 32 values each: four times three high index bits, three bits
 * of scale, the sign of delta. y = d (2 sc + 1) (grid + delta), delta = 1/8 or -1/8
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 50) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const high = bytes[p + 34 + 2 * group]! | (bytes[p + 35 + 2 * group]! << 8);
      const dl = d * (2 * ((high >> 12) & 7) + 1);
      const delta = high & 0x8000 ? -0.125 : 0.125;
      for (let l = 0; l < 4; l++) {
        const row = bytes[p + 2 + 4 * group + l]! | (((high >> (3 * l)) & 7) << 8);
        const y = block + 32 * group + 8 * l;
        for (let j = 0; j < 8; j++) out[y + j] = dl * (GRID[8 * row + j]! + delta);
      }
    }
  }
};

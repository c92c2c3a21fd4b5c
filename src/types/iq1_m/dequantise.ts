import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { IQ1_GRID } from '../lib/grids/iq1';

const GRID = IQ1_GRID.entries;

/**
 * IQ1_M, 56 bytes: 32 bytes of low index bits for 8 values each, 16 bytes with a nibble for each 8 values (three high index bits, the sign of
 * delta), four u16 of four scales of three bits for 16 values each; their top four bits together are the f16 d.
 * y = d (2 sc + 1) (grid + delta), delta = 1/8 or -1/8
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 56) {
    const low = (bytes[p + 49]! >> 4) | (bytes[p + 51]! & 0xf0);
    const d = F16_VALUES[low | ((bytes[p + 53]! >> 4) << 8) | ((bytes[p + 55]! >> 4) << 12)]!;
    for (let eight = 0; eight < 32; eight++) {
      const scales = bytes[p + 48 + 2 * (eight >> 3)]! | (bytes[p + 49 + 2 * (eight >> 3)]! << 8);
      const dl = d * (2 * ((scales >> (3 * ((eight >> 1) & 3))) & 7) + 1);
      const high = bytes[p + 32 + (eight >> 1)]! >> (4 * (eight & 1));
      const delta = high & 8 ? -0.125 : 0.125;
      const row = bytes[p + eight]! | ((high & 7) << 8);
      const y = block + 8 * eight;
      for (let j = 0; j < 8; j++) out[y + j] = dl * (GRID[8 * row + j]! + delta);
    }
  }
};

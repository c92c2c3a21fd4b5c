import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';

/** Q8_0, 34 bytes: f16 d, 32 x i8. y = q d */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 34) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 32; j++) out[y + j] = ((bytes[p + 2 + j]! << 24) >> 24) * d;
  }
};

import type { Dequantise } from '../lib/dequantise';
import { F16_VALUES } from '../lib/float16';
import { ternaryDigit } from '../lib/ternary';

/**
 * TQ1_0, 54 bytes: 48 bytes of five base-3 digits (first 32 for the elements 0-159, then 16 for 160-239; digit n of all of them follows digit
 * n - 1), 4 bytes of four digits (240-255), f16 d. y = (digit - 1) d
 */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 54) {
    const d = F16_VALUES[bytes[p + 52]! | (bytes[p + 53]! << 8)]!;
    let y = block;
    for (let digit = 0; digit < 5; digit++) {
      for (let m = 0; m < 32; m++) out[y++] = (ternaryDigit(bytes[p + m]!, digit) - 1) * d;
    }
    for (let digit = 0; digit < 5; digit++) {
      for (let m = 32; m < 48; m++) out[y++] = (ternaryDigit(bytes[p + m]!, digit) - 1) * d;
    }
    for (let digit = 0; digit < 4; digit++) {
      for (let m = 48; m < 52; m++) out[y++] = (ternaryDigit(bytes[p + m]!, digit) - 1) * d;
    }
  }
};

import type { Dequantise } from './dequantise';
import { F16_VALUES } from './float16';

/*
 * The K-quants: super-blocks of 256 elements with f16 scales of the small integer scales of 16 or 32 elements. ggml-quants.c
 * dequantize_row_q*_K computes in f32. Every product there (11 bits of f16, at most 8 of scale, at most 6 of quant) fits in 24 bits, so it is
 * exact in f32 and in f64; the one difference (scale*q - min, Q2_K Q4_K Q5_K) is exact in f64 (multiples of 2^-24 below 2^27) and rounded
 * once by the store to the Float32Array. The order of the factors is kept: it decides what NaN, infinity and -0 give.
 */

const SUPER = 256;

/** Q2_K, 84 bytes: 16 x (4 bits scale, 4 bits minimum), 64 bytes of 2-bit quants, f16 d, f16 dmin. y = (d sc) q - dmin m, per 16 elements. */
export const dequantiseQ2_K: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += SUPER, p += 84) {
    const d = F16_VALUES[bytes[p + 80]! | (bytes[p + 81]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 82]! | (bytes[p + 83]! << 8)]!;
    for (let group = 0; group < 16; group++) {
      const scale = bytes[p + group]!;
      const dl = d * (scale & 15);
      const ml = dmin * (scale >> 4);
      // Groups run 2 a shift, 8 a half of 128 elements; a half has 32 bytes of quants.
      const q = p + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      const y = block + group * 16;
      for (let l = 0; l < 16; l++) out[y + l] = dl * ((bytes[q + l]! >> shift) & 3) - ml;
    }
  }
};

/** Q3_K, 110 bytes: 32 bytes of high bits, 64 bytes of 2-bit quants, 12 bytes with 16 6-bit scales, f16 d. y = d (sc - 32) (q - 4) */
export const dequantiseQ3_K: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += SUPER, p += 110) {
    const d = F16_VALUES[bytes[p + 108]! | (bytes[p + 109]! << 8)]!;
    const scales = p + 96;
    for (let group = 0; group < 16; group++) {
      // Low four bits: bytes 0-7, groups 0-7 in the low nibble and 8-15 in the high one. High two bits: bytes 8-11, two bits for each 4 groups.
      const low = (bytes[scales + (group & 7)]! >> (group & 8 ? 4 : 0)) & 15;
      const high = (bytes[scales + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
      const dl = d * ((low | (high << 4)) - 32);
      const q = p + 32 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6;
      const h = p + (group & 1) * 16;
      const bit = group >> 1;
      const y = block + group * 16;
      for (let l = 0; l < 16; l++) {
        out[y + l] = dl * (((bytes[q + l]! >> shift) & 3) + (((bytes[h + l]! >> bit) & 1) << 2) - 4);
      }
    }
  }
};

/** Scale of group g (0-7) of Q4_K and Q5_K: 8 scales and 8 minima of 6 bits in 12 bytes, the last four split over two bytes. */
function scale6(bytes: Uint8Array, p: number, g: number): number {
  if (g < 4) return bytes[p + g]! & 63;
  return (bytes[p + g + 4]! & 15) | ((bytes[p + g - 4]! >> 6) << 4);
}

/** Minimum of group g. */
function min6(bytes: Uint8Array, p: number, g: number): number {
  if (g < 4) return bytes[p + g + 4]! & 63;
  return (bytes[p + g + 4]! >> 4) | ((bytes[p + g]! >> 6) << 4);
}

/** Q4_K, 144 bytes: f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles. y = (d sc) q - dmin m, per 32 elements. */
export const dequantiseQ4_K: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += SUPER, p += 144) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d0 = d * scale6(bytes, p + 4, 2 * pair);
      const m0 = dmin * min6(bytes, p + 4, 2 * pair);
      const d1 = d * scale6(bytes, p + 4, 2 * pair + 1);
      const m1 = dmin * min6(bytes, p + 4, 2 * pair + 1);
      const q = p + 16 + 32 * pair;
      const y = block + 64 * pair;
      for (let l = 0; l < 32; l++) {
        const byte = bytes[q + l]!;
        out[y + l] = d0 * (byte & 15) - m0;
        out[y + l + 32] = d1 * (byte >> 4) - m1;
      }
    }
  }
};

/** Q5_K, 176 bytes: as Q4_K with 32 bytes of fifth bits (bit g of byte l: group g, element l) before the nibbles. */
export const dequantiseQ5_K: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += SUPER, p += 176) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const dmin = F16_VALUES[bytes[p + 2]! | (bytes[p + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d0 = d * scale6(bytes, p + 4, 2 * pair);
      const m0 = dmin * min6(bytes, p + 4, 2 * pair);
      const d1 = d * scale6(bytes, p + 4, 2 * pair + 1);
      const m1 = dmin * min6(bytes, p + 4, 2 * pair + 1);
      const h = p + 16;
      const q = p + 48 + 32 * pair;
      const y = block + 64 * pair;
      for (let l = 0; l < 32; l++) {
        const byte = bytes[q + l]!;
        const high = bytes[h + l]! >> (2 * pair);
        out[y + l] = d0 * ((byte & 15) | ((high & 1) << 4)) - m0;
        out[y + l + 32] = d1 * ((byte >> 4) | ((high & 2) << 3)) - m1;
      }
    }
  }
};

/** Q6_K, 210 bytes: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 x i8 scales, f16 d. y = (d sc) (q - 32), per 16 elements. */
export const dequantiseQ6_K: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += SUPER, p += 210) {
    const d = F16_VALUES[bytes[p + 208]! | (bytes[p + 209]! << 8)]!;
    for (let half = 0; half < 2; half++) {
      const ql = p + 64 * half;
      const qh = p + 128 + 32 * half;
      const sc = p + 192 + 8 * half;
      for (let sub = 0; sub < 2; sub++) {
        const d0 = d * ((bytes[sc + sub]! << 24) >> 24);
        const d1 = d * ((bytes[sc + sub + 2]! << 24) >> 24);
        const d2 = d * ((bytes[sc + sub + 4]! << 24) >> 24);
        const d3 = d * ((bytes[sc + sub + 6]! << 24) >> 24);
        const y = block + 128 * half + 16 * sub;
        for (let l = 0; l < 16; l++) {
          const low = bytes[ql + 16 * sub + l]!;
          const low32 = bytes[ql + 16 * sub + l + 32]!;
          const high = bytes[qh + 16 * sub + l]!;
          out[y + l] = d0 * (((low & 15) | ((high & 3) << 4)) - 32);
          out[y + l + 32] = d1 * (((low32 & 15) | ((high & 12) << 2)) - 32);
          out[y + l + 64] = d2 * (((low >> 4) | (high & 48)) - 32);
          out[y + l + 96] = d3 * (((low32 >> 4) | ((high & 192) >> 2)) - 32);
        }
      }
    }
  }
};

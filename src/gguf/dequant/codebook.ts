import type { Dequantise } from './dequantise';
import { F16_VALUES } from './float16';

/* Four-bit types whose nibble is an index into a table of levels. Products are exact, as in legacy.ts. */

/** ggml's `kvalues_iq4nl`. */
export const IQ4_LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** ggml's `kvalues_mxfp4`: the E2M1 values, doubled to be whole. Index 8 is +0 there too, not -0. */
export const MXFP4_LEVELS = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** IQ4_NL, 18 bytes: f16 d, 16 bytes of nibbles (element j low, j + 16 high). y = d level */
export const dequantiseIQ4_NL: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 18) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 2 + j]!;
      out[y + j] = d * IQ4_LEVELS[q & 15]!;
      out[y + j + 16] = d * IQ4_LEVELS[q >> 4]!;
    }
  }
};

/** IQ4_XS, 136 bytes: f16 d, u16 high scale bits, 4 bytes low scale bits, 128 bytes of nibbles. y = d (sc - 32) level, per 32 elements. */
export const dequantiseIQ4_XS: Dequantise = (bytes, at, out, outAt, n) => {
  for (let block = outAt, p = at; block < outAt + n; block += 256, p += 136) {
    const d = F16_VALUES[bytes[p]! | (bytes[p + 1]! << 8)]!;
    const high = bytes[p + 2]! | (bytes[p + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[p + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      const dl = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
      const q = p + 8 + 16 * group;
      const y = block + 32 * group;
      for (let j = 0; j < 16; j++) {
        const byte = bytes[q + j]!;
        out[y + j] = dl * IQ4_LEVELS[byte & 15]!;
        out[y + j + 16] = dl * IQ4_LEVELS[byte >> 4]!;
      }
    }
  }
};

/** MXFP4, 17 bytes: u8 exponent, 16 bytes of nibbles. y = level 2^(e - 128): half the E8M0 scale, as the levels are doubled. */
export const dequantiseMXFP4: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 17) {
    const d = HALF_E8M0[bytes[p]!]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 1 + j]!;
      out[y + j] = MXFP4_LEVELS[q & 15]! * d;
      out[y + j + 16] = MXFP4_LEVELS[q >> 4]! * d;
    }
  }
};

/** 2^(e - 128); the first two are subnormal in f32. ggml has no NaN here: e = 255 is 2^127. */
const HALF_E8M0 = Float32Array.from({ length: 256 }, (_, e) => 2 ** (e - 128));

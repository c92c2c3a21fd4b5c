import type { Dequantise } from '../lib/dequantise';
import { E2M1_DOUBLED } from '../lib/e2m1';

/** MXFP4, 17 bytes: u8 exponent, 16 bytes of nibbles. y = level 2^(e - 128): half the E8M0 scale, as the levels are doubled. */
export const dequantise: Dequantise = (bytes, at, out, outAt, n) => {
  for (let y = outAt, p = at; y < outAt + n; y += 32, p += 17) {
    const d = HALF_E8M0[bytes[p]!]!;
    for (let j = 0; j < 16; j++) {
      const q = bytes[p + 1 + j]!;
      out[y + j] = E2M1_DOUBLED[q & 15]! * d;
      out[y + j + 16] = E2M1_DOUBLED[q >> 4]! * d;
    }
  }
};

/** 2^(e - 128); the first two are subnormal in f32. ggml has no NaN here: e = 255 is 2^127. */
const HALF_E8M0 = Float32Array.from({ length: 256 }, (_, e) => 2 ** (e - 128));

import type { QuantType } from '../../src/gguf/ggml-types';

/** Byte offsets of the f16 scales in a block. */
export const F16_FIELDS: Readonly<Record<QuantType, readonly number[]>> = {
  F32: [],
  F16: [0],
  BF16: [],
  Q8_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_NL: [0],
  IQ4_XS: [0],
  MXFP4: [],
};

/** Zeros, smallest and largest subnormals, smallest and largest normals, infinities, quiet and signalling NaN, both signs. */
export const EXTREME_F16: readonly number[] = [
  0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x8400, 0x3c00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01,
  0x7c01,
];

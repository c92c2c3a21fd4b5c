import { ggmlType, type QuantType } from '../../gguf/ggml-types';

/** A byte of a row that changes. */
export interface BytePatch {
  /** Byte inside the row. */
  readonly at: number;
  /** Bits that are flipped. */
  readonly flip?: number;
  /** What the byte becomes. */
  readonly set?: number;
}

/** Where the value, or the block's scale, of a row's first element lies, as a little-endian float. */
interface ScaleField {
  readonly at: number;
  readonly format: 'f32' | 'f16' | 'bf16' | 'e8m0';
}

/** The first block's scale (`d` of ggml's block structs); of a float type the first value itself. */
const SCALE: Readonly<Record<QuantType, ScaleField>> = {
  F32: { at: 0, format: 'f32' },
  F16: { at: 0, format: 'f16' },
  BF16: { at: 0, format: 'bf16' },
  Q4_0: { at: 0, format: 'f16' },
  Q4_1: { at: 0, format: 'f16' },
  Q5_0: { at: 0, format: 'f16' },
  Q5_1: { at: 0, format: 'f16' },
  Q8_0: { at: 0, format: 'f16' },
  Q2_K: { at: 80, format: 'f16' },
  Q3_K: { at: 108, format: 'f16' },
  Q4_K: { at: 0, format: 'f16' },
  Q5_K: { at: 0, format: 'f16' },
  Q6_K: { at: 208, format: 'f16' },
  IQ4_NL: { at: 0, format: 'f16' },
  IQ4_XS: { at: 0, format: 'f16' },
  MXFP4: { at: 0, format: 'e8m0' },
};

/** The highest bit of the first element's own bits, as [byte, bit]; of a float type its sign. */
const HIGHEST_BIT: Readonly<Record<QuantType, readonly [number, number]>> = {
  F32: [3, 7],
  F16: [1, 7],
  BF16: [1, 7],
  Q4_0: [2, 3],
  Q4_1: [4, 3],
  Q5_0: [2, 0],
  Q5_1: [4, 0],
  Q8_0: [2, 7],
  Q2_K: [16, 1],
  Q3_K: [0, 0],
  Q4_K: [16, 3],
  Q5_K: [16, 0],
  Q6_K: [128, 1],
  IQ4_NL: [2, 3],
  IQ4_XS: [8, 3],
  // Bit 3 is the sign, which a zero would hide.
  MXFP4: [1, 2],
};

/** One bit of the row's first weight. */
export function weightBitFlip(type: QuantType): readonly BytePatch[] {
  const [at, bit] = HIGHEST_BIT[type];
  return [{ at, flip: 1 << bit }];
}

/** One mantissa bit (0 to 9) of the first block's f16 scale. */
export function scaleBitFlip(type: QuantType, bit: number): readonly BytePatch[] {
  return [{ at: SCALE[type].at + (bit >> 3), flip: 1 << (bit & 7) }];
}

/** Bytes, lowest first, of what is not finite. MXFP4's scale of 2^127 makes values of 2^128 and more: infinite in f32. */
const NON_FINITE = {
  f32: { nan: [0, 0, 0xc0, 0x7f], inf: [0, 0, 0x80, 0x7f] },
  f16: { nan: [0, 0x7e], inf: [0, 0x7c] },
  bf16: { nan: [0xc0, 0x7f], inf: [0x80, 0x7f] },
  e8m0: { nan: [0xff], inf: [0xff] },
} as const satisfies Record<ScaleField['format'], Record<'nan' | 'inf', readonly number[]>>;

/** The first value, or the first block's scale, becomes a NaN or infinite. */
export function nonFiniteScale(type: QuantType, what: 'nan' | 'inf'): readonly BytePatch[] {
  const { at, format } = SCALE[type];
  return NON_FINITE[format][what].map((set, i) => ({ at: at + i, set }));
}

/**
 * The type of the same family (blocks of as many elements) that a path which assumes one type would take: Q4_K, Q4_0, F16, as most files
 * mostly are; another one where the tensor is of that type.
 */
export function mistakenType(type: QuantType): QuantType {
  const { blockSize } = ggmlType(type);
  const [assumed, otherwise]: readonly [QuantType, QuantType] =
    blockSize === 256 ? ['Q4_K', 'Q6_K'] : blockSize === 32 ? ['Q4_0', 'Q8_0'] : ['F16', 'BF16'];
  return type === assumed ? otherwise : assumed;
}

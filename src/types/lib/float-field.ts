/** How a scale, or a value, is written. `e8m0` is a power of two, `ue4m3` an unsigned minifloat. */
export type FloatFormat = 'f32' | 'f16' | 'bf16' | 'e8m0' | 'ue4m3';

/** A float in a block: little-endian from a byte on, or (IQ1_M) in the high nibbles of some bytes, its lowest four bits first. */
export interface FloatField {
  readonly format: FloatFormat;
  readonly at: number | readonly number[];
}

/** An f16 at a byte of the block. */
export function f16At(at: number): FloatField {
  return { format: 'f16', at };
}

/** Bits of a byte of a block that become others. */
export interface MaskedByte {
  readonly at: number;
  readonly mask: number;
  readonly set: number;
}

/** Bytes of each format. */
const FORMAT_BYTES: Readonly<Record<FloatFormat, number>> = { f32: 4, f16: 2, bf16: 2, e8m0: 1, ue4m3: 1 };

/** Byte of a block and bit of it where bit `bit` of a float lies. */
export function bitOf({ at }: FloatField, bit: number): readonly [byte: number, bit: number] {
  if (typeof at === 'number') return [at + (bit >> 3), bit & 7];
  return [at[bit >> 2] ?? 0, 4 + (bit & 3)];
}

/** What a block's bytes become where a float gets these bits. */
export function floatBytes({ format, at }: FloatField, bits: number): readonly MaskedByte[] {
  if (typeof at !== 'number') {
    return at.map((byte, i) => ({ at: byte, mask: 0xf0, set: ((bits >> (4 * i)) & 15) << 4 }));
  }
  return Array.from({ length: FORMAT_BYTES[format] }, (_, i) => ({
    at: at + i,
    mask: 0xff,
    set: (bits >>> (8 * i)) & 0xff,
  }));
}

/** Writes the bits of a float of the block that begins at byte `block`. */
export function putFloat(bytes: Uint8Array, block: number, field: FloatField, bits: number): void {
  for (const { at, mask, set } of floatBytes(field, bits)) {
    bytes[block + at] = ((bytes[block + at] ?? 0) & ~mask) | set;
  }
}

/**
 * Bits of what is not finite; undefined where the format has no such value. A power-of-two scale of 2^127 makes values of 2^128 and more:
 * infinite in f32.
 */
export const NON_FINITE: Readonly<
  Record<FloatFormat, { readonly nan: number | undefined; readonly inf: number | undefined }>
> = {
  f32: { nan: 0x7fc0_0000, inf: 0x7f80_0000 },
  f16: { nan: 0x7e00, inf: 0x7c00 },
  bf16: { nan: 0x7fc0, inf: 0x7f80 },
  e8m0: { nan: undefined, inf: 0xff },
  ue4m3: { nan: undefined, inf: undefined },
};

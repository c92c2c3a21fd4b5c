import { bitOf, floatBytes, NON_FINITE, type MaskedByte } from '../../types/lib/float-field';
import { typeOf, type QuantType } from '../../types/types';

/** A byte of a row, of which some bits are flipped or become others. */
export type BytePatch = MaskedByte | { readonly at: number; readonly flip: number };

/** What the byte becomes. */
export function patched(byte: number, patch: BytePatch): number {
  return 'flip' in patch ? byte ^ patch.flip : (byte & ~patch.mask) | patch.set;
}

/** One bit of the row's first weight. */
export function weightBitFlip(type: QuantType): readonly BytePatch[] {
  const [at, bit] = typeOf(type).firstBit;
  return [{ at, flip: 1 << bit }];
}

/** One mantissa bit (0 to 9) of the first block's f16 scale. */
export function scaleBitFlip(type: QuantType, bit: number): readonly BytePatch[] {
  const [at, bitOfByte] = bitOf(typeOf(type).floats[0], bit);
  return [{ at, flip: 1 << bitOfByte }];
}

/** The first value, or the first block's scale, becomes a NaN or infinite. @throws RangeError where the type has no such value. */
export function nonFiniteScale(type: QuantType, what: 'nan' | 'inf'): readonly BytePatch[] {
  const [field] = typeOf(type).floats;
  const bits = NON_FINITE[field.format][what];
  if (bits === undefined) throw new RangeError(`${type} holds no ${what}`);
  return floatBytes(field, bits);
}

/**
 * The type of the same family (whose blocks fit into this one's) that a path which assumes one type would take: Q4_K, Q4_0, F16, as most
 * files mostly are; another one where the tensor is of that type.
 */
export function mistakenType(type: QuantType): QuantType {
  const { blockSize } = typeOf(type);
  const [assumed, otherwise]: readonly [QuantType, QuantType] =
    blockSize === 256 ? ['Q4_K', 'Q6_K'] : blockSize > 1 ? ['Q4_0', 'Q8_0'] : ['F16', 'BF16'];
  return type === assumed ? otherwise : assumed;
}

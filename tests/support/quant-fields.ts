import type { FloatField } from '../../src/types/lib/float-field';
import { typeOf, type QuantType } from '../../src/types/types';

/** The f16 fields of a block: scales, minima; of F16 the value. */
export function f16Fields(type: QuantType): readonly FloatField[] {
  return typeOf(type).floats.filter((field) => field.format === 'f16');
}

/** Zeros, smallest and largest subnormals, smallest and largest normals, infinities, quiet and signalling NaN, both signs. */
export const EXTREME_F16: readonly number[] = [
  0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x8400, 0x3c00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01,
  0x7c01,
];

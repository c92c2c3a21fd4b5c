import { f16ToNumber, f32Bits } from '../../base/float';

/** Every binary16 as the number it stands for, by its bits: scales are looked up, not computed. */
export const F16_VALUES: Float32Array<ArrayBuffer> = Float32Array.from({ length: 65536 }, (_, bits) =>
  f16ToNumber(bits),
);

/** Bit of binary32 that makes a NaN quiet. */
const QUIET = 0x0040_0000;

/** binary16 bits to binary32 bits. A NaN keeps its sign and payload and becomes quiet, as the hardware conversion has it. */
export function f16BitsToF32Bits(bits: number): number {
  const payload = bits & 0x03ff;
  if ((bits & 0x7c00) !== 0x7c00 || payload === 0) return f32Bits(F16_VALUES[bits]!);
  return (((bits & 0x8000) << 16) | 0x7f80_0000 | QUIET | (payload << 13)) >>> 0;
}

/** Bit of binary32 that makes a NaN quiet. */
const QUIET = 0x0040_0000;

/** binary16 bits to binary32 bits. A NaN keeps its sign and payload and becomes quiet, as the hardware conversion has it. */
export function f16BitsToF32Bits(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x03ff;
  if (exponent === 31) return (sign | 0x7f80_0000 | (fraction === 0 ? 0 : QUIET) | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal is fraction * 2^-24: its highest bit becomes the leading one.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x03ff) << 13)) >>> 0;
}

/** The bits of every binary16 as binary32. */
export const F16_BITS = new Uint32Array(65536);
for (let bits = 0; bits < 65536; bits++) F16_BITS[bits] = f16BitsToF32Bits(bits);

/** Every binary16 as the number it stands for, by its bits: scales are looked up, not computed. */
export const F16_VALUES = new Float32Array(F16_BITS.buffer);

import { half } from './half';
import { highNibbles, lowNibbles, storeScaled } from './store';

/* Four-bit types whose nibble is an index into a table of levels, laid out as src/types says. */

/** IQ4_NL, 18 bytes. y = d level */
export function dequantiseIQ4_NL(bytes: usize, out: usize, n: u32): void {
  const levels = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  for (const end = out + (n << 2); out < end; out += 128, bytes += 18) {
    const d = f32x4.splat(half(bytes));
    const q = v128.load(bytes, 2);
    storeScaled(out, i8x16.swizzle(levels, lowNibbles(q)), d);
    storeScaled(out + 64, i8x16.swizzle(levels, highNibbles(q)), d);
  }
}

/** IQ4_XS, 136 bytes. y = d (sc - 32) level, per 32 elements */
export function dequantiseIQ4_XS(bytes: usize, out: usize, n: u32): void {
  const levels = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  for (const end = out + (n << 2); out < end; out += 1024, bytes += 136) {
    const d = half(bytes);
    const high = <i32>load<u16>(bytes, 2);
    for (let group: u32 = 0; group < 8; group++) {
      const low = (<i32>load<u8>(bytes + 4 + (group >> 1)) >> ((group & 1) << 2)) & 15;
      const dl = f32x4.splat(d * <f32>((low | (((high >> (group << 1)) & 3) << 4)) - 32));
      const q = v128.load(bytes + 8 + (group << 4));
      const y = out + (group << 7);
      storeScaled(y, i8x16.swizzle(levels, lowNibbles(q)), dl);
      storeScaled(y + 64, i8x16.swizzle(levels, highNibbles(q)), dl);
    }
  }
}

/** 2^(e - 128) of MXFP4; the first two are subnormal. */
// @ts-ignore: an AssemblyScript decorator
@inline
function halfE8M0(e: u32): f32 {
  return reinterpret<f32>(e < 2 ? 0x0020_0000 << e : (e - 1) << 23);
}

/** MXFP4, 17 bytes. y = level 2^(e - 128) */
export function dequantiseMXFP4(bytes: usize, out: usize, n: u32): void {
  const levels = i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  for (const end = out + (n << 2); out < end; out += 128, bytes += 17) {
    const d = f32x4.splat(halfE8M0(<u32>load<u8>(bytes)));
    const q = v128.load(bytes, 1);
    storeScaled(out, i8x16.swizzle(levels, lowNibbles(q)), d);
    storeScaled(out + 64, i8x16.swizzle(levels, highNibbles(q)), d);
  }
}

/** Half of a UE4M3 value: 0x7f is 0, bit 7 is ignored otherwise. */
// @ts-ignore: an AssemblyScript decorator
@inline
function halfUE4M3(code: u32): f32 {
  const normal = reinterpret<f32>(((((code >> 3) & 15) + 119) << 23) | ((code & 7) << 20));
  if (code == 0x7f) return 0;
  return (code & 0x78) == 0 ? <f32>(code & 7) * <f32>0.0009765625 : normal;
}

/** NVFP4, 36 bytes. y = scale / 2 level, per 16 elements */
export function dequantiseNVFP4(bytes: usize, out: usize, n: u32): void {
  const levels = i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  const firstEight = i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0);
  for (const end = out + (n << 2); out < end; bytes += 36) {
    for (let sub: u32 = 0; sub < 4; sub++, out += 64) {
      const d = f32x4.splat(halfUE4M3(<u32>load<u8>(bytes + sub)));
      const q = v128.load64_splat(bytes + (sub << 3), 4);
      const nibbles = v128.bitselect(lowNibbles(q), highNibbles(q), firstEight);
      storeScaled(out, i8x16.swizzle(levels, nibbles), d);
    }
  }
}

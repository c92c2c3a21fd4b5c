import { half } from './half';
import { highNibbles, lowNibbles, storeAffine, storeScaled } from './store';

/* Blocks of 32 elements, laid out as src/types says: element j in the low nibble of byte j, j + 16 in the high one. */

/** Q8_0, 34 bytes. y = d q */
export function dequantiseQ8_0(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; out += 128, bytes += 34) {
    const d = f32x4.splat(half(bytes));
    storeScaled(out, v128.load(bytes, 2), d);
    storeScaled(out + 64, v128.load(bytes, 18), d);
  }
}

/** Q4_0, 18 bytes. y = d (q - 8) */
export function dequantiseQ4_0(bytes: usize, out: usize, n: u32): void {
  const middle = i8x16.splat(8);
  for (const end = out + (n << 2); out < end; out += 128, bytes += 18) {
    const d = f32x4.splat(half(bytes));
    const q = v128.load(bytes, 2);
    storeScaled(out, i8x16.sub(lowNibbles(q), middle), d);
    storeScaled(out + 64, i8x16.sub(highNibbles(q), middle), d);
  }
}

/** Q4_1, 20 bytes. y = d q + m */
export function dequantiseQ4_1(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; out += 128, bytes += 20) {
    const d = f32x4.splat(half(bytes));
    const m = f32x4.splat(half(bytes + 2));
    const q = v128.load(bytes, 4);
    storeAffine(out, lowNibbles(q), d, m);
    storeAffine(out + 64, highNibbles(q), d, m);
  }
}

/** 16 in every byte whose bit is set in the sixteen bits at `at`, else 0. */
// @ts-ignore: an AssemblyScript decorator
@inline
function fifthBits(at: usize): v128 {
  const both = i16x8.splat(load<i16>(at));
  const spread = i8x16.swizzle(both, i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.and(i8x16.eq(v128.and(spread, bit), bit), i8x16.splat(16));
}

/** Q5_0, 22 bytes. y = d (q - 16) */
export function dequantiseQ5_0(bytes: usize, out: usize, n: u32): void {
  const middle = i8x16.splat(16);
  for (const end = out + (n << 2); out < end; out += 128, bytes += 22) {
    const d = f32x4.splat(half(bytes));
    const q = v128.load(bytes, 6);
    storeScaled(out, i8x16.sub(v128.or(lowNibbles(q), fifthBits(bytes + 2)), middle), d);
    storeScaled(out + 64, i8x16.sub(v128.or(highNibbles(q), fifthBits(bytes + 4)), middle), d);
  }
}

/** Q5_1, 24 bytes. y = d q + m */
export function dequantiseQ5_1(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; out += 128, bytes += 24) {
    const d = f32x4.splat(half(bytes));
    const m = f32x4.splat(half(bytes + 2));
    const q = v128.load(bytes, 8);
    storeAffine(out, v128.or(lowNibbles(q), fifthBits(bytes + 4)), d, m);
    storeAffine(out + 64, v128.or(highNibbles(q), fifthBits(bytes + 6)), d, m);
  }
}

import { half } from './half';
import { storeScaled } from './store';

/* Types of one, two or three values a weight, laid out as src/types says. */

/** Base-3 digits of sixteen bytes, less one: ((b * power) mod 256) * 3 div 256 - 1. */
// @ts-ignore: an AssemblyScript decorator
@inline
function digits(bytes: v128, power: u32): v128 {
  const factor = i8x16.splat(<i8>power);
  const low = v128.and(i16x8.extmul_low_i8x16_u(bytes, factor), i16x8.splat(255));
  const high = v128.and(i16x8.extmul_high_i8x16_u(bytes, factor), i16x8.splat(255));
  const three = i16x8.splat(3);
  const narrow = i8x16.narrow_i16x8_u(i16x8.shr_u(i16x8.mul(low, three), 8), i16x8.shr_u(i16x8.mul(high, three), 8));
  return i8x16.sub(narrow, i8x16.splat(1));
}

/** TQ1_0, 54 bytes. y = (digit - 1) d */
export function dequantiseTQ1_0(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; bytes += 54) {
    const d = f32x4.splat(half(bytes + 52));
    const a = v128.load(bytes);
    const b = v128.load(bytes, 16);
    const c = v128.load(bytes, 32);
    for (let power: u32 = 1; power <= 81; power *= 3, out += 128) {
      storeScaled(out, digits(a, power), d);
      storeScaled(out + 64, digits(b, power), d);
    }
    for (let power: u32 = 1; power <= 81; power *= 3, out += 64) storeScaled(out, digits(c, power), d);
    // Four bytes, four digits each: a digit of all four, then the next.
    const tail = v128.load32_splat(bytes, 48);
    const zero = digits(tail, 1);
    const one = digits(tail, 3);
    const two = digits(tail, 9);
    const three = digits(tail, 27);
    const first = i8x16.shuffle(zero, one, 0, 1, 2, 3, 16, 17, 18, 19, 0, 1, 2, 3, 16, 17, 18, 19);
    const second = i8x16.shuffle(two, three, 0, 1, 2, 3, 16, 17, 18, 19, 0, 1, 2, 3, 16, 17, 18, 19);
    storeScaled(out, i8x16.shuffle(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), d);
    out += 64;
  }
}

/** TQ2_0, 66 bytes. y = (q - 1) d */
export function dequantiseTQ2_0(bytes: usize, out: usize, n: u32): void {
  const mask = i8x16.splat(3);
  const one = i8x16.splat(1);
  for (const end = out + (n << 2); out < end; bytes += 66) {
    const d = f32x4.splat(half(bytes + 64));
    for (let run: u32 = 0; run < 8; run++, out += 128) {
      const q = bytes + ((run >> 2) << 5);
      const shift = (run & 3) << 1;
      storeScaled(out, i8x16.sub(v128.and(i8x16.shr_u(v128.load(q), shift), mask), one), d);
      storeScaled(out + 64, i8x16.sub(v128.and(i8x16.shr_u(v128.load(q, 16), shift), mask), one), d);
    }
  }
}

/** 1 in every byte whose bit of sixteen is set, else -1. */
// @ts-ignore: an AssemblyScript decorator
@inline
function plusOrMinus(bits: u32): v128 {
  const spread = i8x16.swizzle(i32x4.splat(<i32>bits), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.bitselect(i8x16.splat(1), i8x16.splat(-1), i8x16.eq(v128.and(spread, bit), bit));
}

/** Q1_0, 18 bytes. y = d or -d */
export function dequantiseQ1_0(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; bytes += 18) {
    const d = f32x4.splat(half(bytes));
    for (let i: u32 = 0; i < 16; i += 2, out += 64) storeScaled(out, plusOrMinus(load<u16>(bytes + i, 2)), d);
  }
}

/** Q2_0, 18 bytes. y = (q - 1) d */
export function dequantiseQ2_0(bytes: usize, out: usize, n: u32): void {
  const low = i8x16(1, 4, 16, 64, 1, 4, 16, 64, 1, 4, 16, 64, 1, 4, 16, 64);
  const high = i8x16(2, 8, 32, -128, 2, 8, 32, -128, 2, 8, 32, -128, 2, 8, 32, -128);
  for (const end = out + (n << 2); out < end; bytes += 18) {
    const d = f32x4.splat(half(bytes));
    for (let i: u32 = 0; i < 16; i += 4, out += 64) {
      const four = i8x16.swizzle(v128.load32_splat(bytes + i, 2), i8x16(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
      const ones = v128.and(i8x16.eq(v128.and(four, low), low), i8x16.splat(1));
      const twos = v128.and(i8x16.eq(v128.and(four, high), high), i8x16.splat(2));
      storeScaled(out, i8x16.sub(v128.or(ones, twos), i8x16.splat(1)), d);
    }
  }
}

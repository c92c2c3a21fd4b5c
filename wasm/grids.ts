import { half, halfOf } from './half';
import { storeScaled } from './store';

/*
 * Super-blocks of 256 whose indices name rows of a grid, laid out as src/types says. `grid`: where the type's grid lies in memory, a byte a
 * value. Its rows are put two or four together, signed, and scaled: sixteen values at a time.
 */

/** Two rows of eight values. */
// @ts-ignore: an AssemblyScript decorator
@inline
function twoRows(grid: usize, first: u32, second: u32): v128 {
  return v128.load64_lane(grid + (second << 3), v128.load64_zero(grid + (first << 3)), 1);
}

/** Four rows of four values. */
// @ts-ignore: an AssemblyScript decorator
@inline
function fourRows(grid: usize, a: u32, b: u32, c: u32, d: u32): v128 {
  let rows = v128.load32_zero(grid + (a << 2));
  rows = v128.load32_lane(grid + (b << 2), rows, 1);
  rows = v128.load32_lane(grid + (c << 2), rows, 2);
  return v128.load32_lane(grid + (d << 2), rows, 3);
}

/** Seven signs and an eighth that makes their number even. */
// @ts-ignore: an AssemblyScript decorator
@inline
function evenSigns(k: u32): u32 {
  return k | ((popcnt(k) & 1) << 7);
}

/** The values whose bit of the sixteen signs is set made negative. */
// @ts-ignore: an AssemblyScript decorator
@inline
function signed(values: v128, signs: u32): v128 {
  const spread = i8x16.swizzle(i32x4.splat(<i32>signs), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const isSet = i8x16.eq(v128.and(spread, bit), bit);
  return i8x16.sub(v128.xor(values, isSet), isSet);
}

/** d (sc + 1/2) / 4 */
// @ts-ignore: an AssemblyScript decorator
@inline
function quarters(d: f32, scale: u32): v128 {
  return f32x4.splat(d * (<f32>0.5 + <f32>scale) * <f32>0.25);
}

/** IQ2_XXS, 66 bytes. y = d (sc + 1/2) / 4 (+-) grid, per 32 elements */
export function dequantiseIQ2_XXS(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 66) {
    const d = half(bytes);
    for (let q = bytes + 2; q < bytes + 66; q += 8, out += 128) {
      const word = load<u32>(q, 4);
      const dl = quarters(d, word >> 28);
      const first = evenSigns(word & 127) | (evenSigns((word >> 7) & 127) << 8);
      const second = evenSigns((word >> 14) & 127) | (evenSigns((word >> 21) & 127) << 8);
      storeScaled(out, signed(twoRows(grid, load<u8>(q), load<u8>(q, 1)), first), dl);
      storeScaled(out + 64, signed(twoRows(grid, load<u8>(q, 2), load<u8>(q, 3)), second), dl);
    }
  }
}

/** IQ2_XS, 74 bytes. y = d (sc + 1/2) / 4 (+-) grid, per 16 elements */
export function dequantiseIQ2_XS(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 74) {
    const d = half(bytes);
    for (let sixteen: u32 = 0; sixteen < 16; sixteen++, out += 64) {
      const scale = (<u32>load<u8>(bytes + 66 + (sixteen >> 1)) >> ((sixteen & 1) << 2)) & 15;
      const a = <u32>load<u16>(bytes + (sixteen << 2), 2);
      const b = <u32>load<u16>(bytes + (sixteen << 2), 4);
      const signs = evenSigns(a >> 9) | (evenSigns(b >> 9) << 8);
      storeScaled(out, signed(twoRows(grid, a & 511, b & 511), signs), quarters(d, scale));
    }
  }
}

/** IQ2_S, 82 bytes. y = d (sc + 1/2) / 4 (+-) grid, per 16 elements */
export function dequantiseIQ2_S(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 82) {
    const d = half(bytes);
    for (let sixteen: u32 = 0; sixteen < 16; sixteen++, out += 64) {
      const shift = (sixteen & 1) << 2;
      const scale = (<u32>load<u8>(bytes + 74 + (sixteen >> 1)) >> shift) & 15;
      const high = <u32>load<u8>(bytes + 66 + (sixteen >> 1)) >> shift;
      const a = <u32>load<u8>(bytes + (sixteen << 1), 2) | ((high & 3) << 8);
      const b = <u32>load<u8>(bytes + (sixteen << 1), 3) | (((high >> 2) & 3) << 8);
      const signs = <u32>load<u16>(bytes + (sixteen << 1), 34);
      storeScaled(out, signed(twoRows(grid, a, b), signs), quarters(d, scale));
    }
  }
}

/** IQ3_XXS, 98 bytes. y = d (sc + 1/2) / 2 (+-) grid, per 32 elements */
export function dequantiseIQ3_XXS(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 98) {
    const d = half(bytes);
    for (let group: u32 = 0; group < 8; group++, out += 128) {
      const word = load<u32>(bytes + (group << 2), 66);
      const q = bytes + 2 + (group << 3);
      const dl = f32x4.splat(d * (<f32>0.5 + <f32>(word >> 28)) * <f32>0.5);
      const first = evenSigns(word & 127) | (evenSigns((word >> 7) & 127) << 8);
      const second = evenSigns((word >> 14) & 127) | (evenSigns((word >> 21) & 127) << 8);
      const a = fourRows(grid, load<u8>(q), load<u8>(q, 1), load<u8>(q, 2), load<u8>(q, 3));
      const b = fourRows(grid, load<u8>(q, 4), load<u8>(q, 5), load<u8>(q, 6), load<u8>(q, 7));
      storeScaled(out, signed(a, first), dl);
      storeScaled(out + 64, signed(b, second), dl);
    }
  }
}

/** IQ3_S, 110 bytes. y = d (1 + 2 sc) (+-) grid, per 32 elements */
export function dequantiseIQ3_S(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 110) {
    const d = half(bytes);
    for (let sixteen: u32 = 0; sixteen < 16; sixteen++, out += 64) {
      const group = sixteen >> 1;
      const scale = (<u32>load<u8>(bytes + 106 + (group >> 1)) >> ((group & 1) << 2)) & 15;
      const q = bytes + 2 + (sixteen << 2);
      const high = <u32>load<u8>(bytes + 66 + group) >> ((sixteen & 1) << 2);
      const values = fourRows(
        grid,
        <u32>load<u8>(q) | ((high & 1) << 8),
        <u32>load<u8>(q, 1) | ((high & 2) << 7),
        <u32>load<u8>(q, 2) | ((high & 4) << 6),
        <u32>load<u8>(q, 3) | ((high & 8) << 5),
      );
      const signs = <u32>load<u16>(bytes + (sixteen << 1), 74);
      storeScaled(out, signed(values, signs), f32x4.splat(d * <f32>((scale << 1) + 1)));
    }
  }
}

/**
 * Two rows of a grid of -1, 0 and 1, each moved by an eighth up, or down where its sign is set: in eighths.
 * @param negative the signs of the two deltas: bits 0 and 8
 */
// @ts-ignore: an AssemblyScript decorator
@inline
function eighths(rows: v128, negative: u32): v128 {
  // 1, or 1 - 2 = -1 where the sign is set.
  const down = i8x16.swizzle(i32x4.splat(<i32>negative), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const delta = i8x16.sub(i8x16.splat(1), i8x16.add(down, down));
  const two = i8x16.add(rows, rows);
  const four = i8x16.add(two, two);
  return i8x16.add(i8x16.add(four, four), delta);
}

/** IQ1_S, 50 bytes. y = d (2 sc + 1) (grid + delta), per 32 elements */
export function dequantiseIQ1_S(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 50) {
    const d = half(bytes);
    for (let group: u32 = 0; group < 8; group++, out += 128) {
      const head = <u32>load<u16>(bytes + (group << 1), 34);
      const q = bytes + 2 + (group << 2);
      // In eighths: times a power of two, which is exact.
      const dl = f32x4.splat(d * <f32>((((head >> 12) & 7) << 1) + 1) * <f32>0.125);
      const negative = (head >> 15) * 0x101;
      const a = twoRows(grid, <u32>load<u8>(q) | ((head & 7) << 8), <u32>load<u8>(q, 1) | ((head & 0x38) << 5));
      const b = twoRows(grid, <u32>load<u8>(q, 2) | ((head & 0x1c0) << 2), <u32>load<u8>(q, 3) | ((head & 0xe00) >> 1));
      storeScaled(out, eighths(a, negative), dl);
      storeScaled(out + 64, eighths(b, negative), dl);
    }
  }
}

/** The f16 whose bits are the high nibbles of four words of scales, as f32. */
// @ts-ignore: an AssemblyScript decorator
@inline
function scatteredHalf(words: u64): f32 {
  const bits =
    <u32>((words >> 12) & 0xf) | <u32>((words >> 24) & 0xf0) | <u32>((words >> 36) & 0xf00) | <u32>((words >> 48) & 0xf000);
  return halfOf(bits);
}

/** IQ1_M, 56 bytes. y = d (2 sc + 1) (grid + delta), per 16 elements */
export function dequantiseIQ1_M(bytes: usize, out: usize, n: u32, grid: usize): void {
  for (const end = out + (n << 2); out < end; bytes += 56) {
    const d = scatteredHalf(load<u64>(bytes, 48));
    for (let sixteen: u32 = 0; sixteen < 16; sixteen++, out += 64) {
      const scales = <u32>load<u16>(bytes + ((sixteen >> 2) << 1), 48);
      const dl = f32x4.splat(d * <f32>((((scales >> (3 * (sixteen & 3))) & 7) << 1) + 1) * <f32>0.125);
      const high = <u32>load<u8>(bytes + 32 + sixteen);
      const a = <u32>load<u8>(bytes + (sixteen << 1)) | ((high & 7) << 8);
      const b = <u32>load<u8>(bytes + (sixteen << 1), 1) | ((high & 0x70) << 4);
      storeScaled(out, eighths(twoRows(grid, a, b), ((high >> 3) & 1) | ((high & 0x80) << 1)), dl);
    }
  }
}

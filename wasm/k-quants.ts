import { half } from './half';
import { highNibbles, lowNibbles, storeAffine, storeScaled } from './store';

/* Super-blocks of 256 elements, laid out as src/types says. `y - m` is written as `y + (-m)`: the same f32. */

const SUPER_OUT: usize = 1024;

/** Q2_K, 84 bytes. y = (d sc) q - dmin m, per 16 elements */
export function dequantiseQ2_K(bytes: usize, out: usize, n: u32): void {
  const two = i8x16.splat(3);
  for (const end = out + (n << 2); out < end; out += SUPER_OUT, bytes += 84) {
    const d = half(bytes + 80);
    const dmin = half(bytes + 82);
    for (let group: u32 = 0; group < 16; group++) {
      const scale = <u32>load<u8>(bytes + group);
      const dl = f32x4.splat(d * <f32>(scale & 15));
      const ml = f32x4.splat(-(dmin * <f32>(scale >> 4)));
      // Groups run 2 a shift, 8 a half of 128 elements; a half has 32 bytes of quants.
      const q = v128.load(bytes + 16 + ((group >> 3) << 5) + ((group & 1) << 4));
      storeAffine(out + (group << 6), v128.and(i8x16.shr_u(q, group & 6), two), dl, ml);
    }
  }
}

/** Q3_K, 110 bytes. y = d (sc - 32) (q - 4), per 16 elements */
export function dequantiseQ3_K(bytes: usize, out: usize, n: u32): void {
  const two = i8x16.splat(3);
  const one = i8x16.splat(1);
  const middle = i8x16.splat(4);
  for (const end = out + (n << 2); out < end; out += SUPER_OUT, bytes += 110) {
    const d = half(bytes + 108);
    const scales = bytes + 96;
    for (let group: u32 = 0; group < 16; group++) {
      const low = (<i32>load<u8>(scales + (group & 7)) >> (group & 8 ? 4 : 0)) & 15;
      const high = (<i32>load<u8>(scales + 8 + (group & 3)) >> ((group >> 2) << 1)) & 3;
      const dl = f32x4.splat(d * <f32>((low | (high << 4)) - 32));
      const q = v128.load(bytes + 32 + ((group >> 3) << 5) + ((group & 1) << 4));
      const h = v128.load(bytes + ((group & 1) << 4));
      const lowBits = v128.and(i8x16.shr_u(q, group & 6), two);
      const highBit = i8x16.shl(v128.and(i8x16.shr_u(h, group >> 1), one), 2);
      storeScaled(out + (group << 6), i8x16.sub(v128.or(lowBits, highBit), middle), dl);
    }
  }
}

/** Scale of group g of Q4_K and Q5_K: 6 bits, the last four groups' split over two bytes. */
// @ts-ignore: an AssemblyScript decorator
@inline
function scale6(p: usize, g: u32): u32 {
  if (g < 4) return <u32>load<u8>(p + g) & 63;
  return (<u32>load<u8>(p + g + 4) & 15) | ((<u32>load<u8>(p + g - 4) >> 6) << 4);
}

/** Minimum of group g. */
// @ts-ignore: an AssemblyScript decorator
@inline
function min6(p: usize, g: u32): u32 {
  if (g < 4) return <u32>load<u8>(p + g + 4) & 63;
  return (<u32>load<u8>(p + g + 4) >> 4) | ((<u32>load<u8>(p + g) >> 6) << 4);
}

/** Q4_K, 144 bytes. y = (d sc) q - dmin m, per 32 elements */
export function dequantiseQ4_K(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; out += SUPER_OUT, bytes += 144) {
    const d = half(bytes);
    const dmin = half(bytes + 2);
    for (let pair: u32 = 0; pair < 4; pair++) {
      const d0 = f32x4.splat(d * <f32>scale6(bytes + 4, 2 * pair));
      const m0 = f32x4.splat(-(dmin * <f32>min6(bytes + 4, 2 * pair)));
      const d1 = f32x4.splat(d * <f32>scale6(bytes + 4, 2 * pair + 1));
      const m1 = f32x4.splat(-(dmin * <f32>min6(bytes + 4, 2 * pair + 1)));
      const y = out + (pair << 8);
      const a = v128.load(bytes + 16 + (pair << 5));
      const b = v128.load(bytes + 32 + (pair << 5));
      storeAffine(y, lowNibbles(a), d0, m0);
      storeAffine(y + 64, lowNibbles(b), d0, m0);
      storeAffine(y + 128, highNibbles(a), d1, m1);
      storeAffine(y + 192, highNibbles(b), d1, m1);
    }
  }
}

/** Bit `bit` of sixteen bytes, as 16 or 0. */
// @ts-ignore: an AssemblyScript decorator
@inline
function fifthBit(high: v128, bit: u32): v128 {
  return i8x16.shl(v128.and(i8x16.shr_u(high, bit), i8x16.splat(1)), 4);
}

/** Q5_K, 176 bytes. y = (d sc) q - dmin m, per 32 elements */
export function dequantiseQ5_K(bytes: usize, out: usize, n: u32): void {
  for (const end = out + (n << 2); out < end; out += SUPER_OUT, bytes += 176) {
    const d = half(bytes);
    const dmin = half(bytes + 2);
    const highA = v128.load(bytes + 16);
    const highB = v128.load(bytes + 32);
    for (let pair: u32 = 0; pair < 4; pair++) {
      const d0 = f32x4.splat(d * <f32>scale6(bytes + 4, 2 * pair));
      const m0 = f32x4.splat(-(dmin * <f32>min6(bytes + 4, 2 * pair)));
      const d1 = f32x4.splat(d * <f32>scale6(bytes + 4, 2 * pair + 1));
      const m1 = f32x4.splat(-(dmin * <f32>min6(bytes + 4, 2 * pair + 1)));
      const y = out + (pair << 8);
      const a = v128.load(bytes + 48 + (pair << 5));
      const b = v128.load(bytes + 64 + (pair << 5));
      storeAffine(y, v128.or(lowNibbles(a), fifthBit(highA, 2 * pair)), d0, m0);
      storeAffine(y + 64, v128.or(lowNibbles(b), fifthBit(highB, 2 * pair)), d0, m0);
      storeAffine(y + 128, v128.or(highNibbles(a), fifthBit(highA, 2 * pair + 1)), d1, m1);
      storeAffine(y + 192, v128.or(highNibbles(b), fifthBit(highB, 2 * pair + 1)), d1, m1);
    }
  }
}

/** Two bits of sixteen bytes, from `bit` on, as bits 4 and 5. */
// @ts-ignore: an AssemblyScript decorator
@inline
function highPair(high: v128, bit: u32): v128 {
  return i8x16.shl(v128.and(i8x16.shr_u(high, bit), i8x16.splat(3)), 4);
}

/** Q6_K, 210 bytes. y = (d sc) (q - 32), per 16 elements */
export function dequantiseQ6_K(bytes: usize, out: usize, n: u32): void {
  const middle = i8x16.splat(32);
  for (const end = out + (n << 2); out < end; out += SUPER_OUT, bytes += 210) {
    const d = half(bytes + 208);
    for (let half128: u32 = 0; half128 < 2; half128++) {
      for (let sub: u32 = 0; sub < 2; sub++) {
        const ql = bytes + (half128 << 6) + (sub << 4);
        const sc = bytes + 192 + (half128 << 3) + sub;
        const low = v128.load(ql);
        const low32 = v128.load(ql, 32);
        const high = v128.load(bytes + 128 + (half128 << 5) + (sub << 4));
        const d0 = f32x4.splat(d * <f32>load<i8>(sc));
        const d1 = f32x4.splat(d * <f32>load<i8>(sc, 2));
        const d2 = f32x4.splat(d * <f32>load<i8>(sc, 4));
        const d3 = f32x4.splat(d * <f32>load<i8>(sc, 6));
        const y = out + (half128 << 9) + (sub << 6);
        storeScaled(y, i8x16.sub(v128.or(lowNibbles(low), highPair(high, 0)), middle), d0);
        storeScaled(y + 128, i8x16.sub(v128.or(lowNibbles(low32), highPair(high, 2)), middle), d1);
        storeScaled(y + 256, i8x16.sub(v128.or(highNibbles(low), highPair(high, 4)), middle), d2);
        storeScaled(y + 384, i8x16.sub(v128.or(highNibbles(low32), highPair(high, 6)), middle), d3);
      }
    }
  }
}

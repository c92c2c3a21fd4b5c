/* Sixteen quants become sixteen f32. Every product here fits in 24 bits (src/types/lib/dequantise.ts), so an f32 sum rounds once, as the truth does. */

/** Four of the sixteen i8 in `quants` as f32. `quarter` is 0 to 3. */
// @ts-ignore: an AssemblyScript decorator
@inline
function quarterOf(quants: v128, quarter: i32): v128 {
  const eight = quarter < 2 ? i16x8.extend_low_i8x16_s(quants) : i16x8.extend_high_i8x16_s(quants);
  const four = quarter % 2 == 0 ? i32x4.extend_low_i16x8_s(eight) : i32x4.extend_high_i16x8_s(eight);
  return f32x4.convert_i32x4_s(four);
}

/** out[0 .. 15] = scale * quants. @param quants i8x16 @param scale f32x4, all alike */
// @ts-ignore: an AssemblyScript decorator
@inline
export function storeScaled(out: usize, quants: v128, scale: v128): void {
  v128.store(out, f32x4.mul(scale, quarterOf(quants, 0)), 0);
  v128.store(out, f32x4.mul(scale, quarterOf(quants, 1)), 16);
  v128.store(out, f32x4.mul(scale, quarterOf(quants, 2)), 32);
  v128.store(out, f32x4.mul(scale, quarterOf(quants, 3)), 48);
}

/** out[0 .. 15] = scale * quants + offset. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function storeAffine(out: usize, quants: v128, scale: v128, offset: v128): void {
  v128.store(out, f32x4.add(f32x4.mul(scale, quarterOf(quants, 0)), offset), 0);
  v128.store(out, f32x4.add(f32x4.mul(scale, quarterOf(quants, 1)), offset), 16);
  v128.store(out, f32x4.add(f32x4.mul(scale, quarterOf(quants, 2)), offset), 32);
  v128.store(out, f32x4.add(f32x4.mul(scale, quarterOf(quants, 3)), offset), 48);
}

/** The low nibbles of sixteen bytes. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function lowNibbles(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(15));
}

/** The high nibbles of sixteen bytes. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function highNibbles(bytes: v128): v128 {
  return i8x16.shr_u(bytes, 4);
}

/** 2^112: what the exponents of binary16 and binary32 differ by, once the bits of one stand in the place of the other's. */
const REBIAS: f32 = reinterpret<f32>(0x7780_0000);
/** Bits of binary16: all but the sign; infinity. */
const MAGNITUDE: u32 = 0x7fff;
const HALF_INFINITY: u32 = 0x7c00;
/** Bits of binary32: infinity; a NaN that is quiet. */
const INFINITY_BITS: u32 = 0x7f80_0000;
const QUIET: u32 = 0x0040_0000;

/** The binary16 at `at`, exactly. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function half(at: usize): f32 {
  return halfOf(<u32>load<u16>(at));
}

/** The binary16 with these bits, exactly. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function halfOf(bits: u32): f32 {
  const magnitude = bits & MAGNITUDE;
  const wide =
    magnitude < HALF_INFINITY
      ? reinterpret<u32>(reinterpret<f32>(magnitude << 13) * REBIAS)
      : INFINITY_BITS | (magnitude << 13);
  return reinterpret<f32>(wide | ((bits & 0x8000) << 16));
}

/** Four binary16, as the low halves of 32-bit lanes, as bits of binary32. A NaN keeps sign and payload and becomes quiet. */
// @ts-ignore: an AssemblyScript decorator
@inline
export function halves(bits: v128): v128 {
  const magnitude = v128.and(bits, i32x4.splat(MAGNITUDE));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const moved = i32x4.shl(magnitude, 13);
  const finite = f32x4.mul(moved, f32x4.splat(REBIAS));
  const quiet = v128.and(i32x4.gt_s(magnitude, i32x4.splat(HALF_INFINITY)), i32x4.splat(QUIET));
  const special = v128.or(v128.or(moved, i32x4.splat(INFINITY_BITS)), quiet);
  const isSpecial = i32x4.gt_s(magnitude, i32x4.splat(HALF_INFINITY - 1));
  return v128.or(v128.bitselect(special, finite, isSpecial), sign);
}

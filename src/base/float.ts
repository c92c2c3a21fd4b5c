const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The IEEE 754 binary32 bit pattern of `x` rounded to f32. NaN payloads of JavaScript numbers are not preserved. */
export function f32Bits(x: number): number {
  f32[0] = x;
  return u32[0] ?? 0;
}

/** The f32 with this bit pattern, as a JavaScript number. */
export function f32FromBits(bits: number): number {
  u32[0] = bits;
  return f32[0] ?? 0;
}

/** IEEE 754 binary16 to number, exactly. Subnormals, infinities and NaN included. */
export function f16ToNumber(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * The IEEE 754 binary16 bits of `x` rounded to nearest, ties to even, from its f32 value (as ggml's `GGML_FP32_TO_FP16`). Too large
 * becomes infinity; NaN becomes the quiet NaN 0x7e00 with the sign bit clear.
 */
export function f16Bits(x: number): number {
  const bits = f32Bits(x);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return 0x7e00;
  // 65520 and above round to infinity.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00;
  const value = f32FromBits(magnitude);
  // Below 2^-14 the step is 2^-24; otherwise ten bits below the leading one.
  const exponent = Math.max((magnitude >>> 23) - 127, -14);
  const steps = roundHalfEven(value * 2 ** (10 - exponent));
  // 2048 steps carry into the exponent by themselves.
  return sign | (steps + ((exponent + 14) << 10));
}

/** `x` of at least 0 and below 2^32 to the nearest whole number, ties to even. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** bfloat16 nearest to `x`, ties to even: `ggml_compute_fp32_to_bf16`. */
export function bf16Bits(x: number): number {
  const bits = f32Bits(x);
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 64;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The binary16 nearest to `x`, as a number. */
export function roundToF16(x: number): number {
  return f16ToNumber(f16Bits(x));
}

/** The bfloat16 nearest to `x`, as a number. */
export function roundToBf16(x: number): number {
  return bf16ToNumber(bf16Bits(x));
}

/** bfloat16 (the upper half of an f32) to number, exactly. */
export function bf16ToNumber(bits: number): number {
  return f32FromBits((bits << 16) >>> 0);
}

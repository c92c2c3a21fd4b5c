/**
 * Half of each UE4M3 value, by its code: four bits of exponent (bias 7), three of mantissa, subnormals below. Bit 7 is ignored, but for 0x7f,
 * which alone is 0 as ggml has it (0xff is 480). Half, because the E2M1 values are doubled.
 */
export const HALF_UE4M3 = Float32Array.from({ length: 256 }, (_, code) => {
  const [exponent, mantissa] = [(code >> 3) & 15, code & 7];
  if (code === 0x7f) return 0;
  return 0.5 * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7));
});

/** Code of the largest scale that files hold: 448, as in E4M3. */
export const LARGEST_UE4M3 = 0x7e;

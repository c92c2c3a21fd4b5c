/** Bits behind the binary point of the sums: f32 and f64 values of ordinary size are multiples of 2^-SCALE. */
const SCALE = 400;

/** sum_j w_j x_j without rounding, then rounded once to f64, nearest even. The values are finite. */
export function exactDot(w: Float32Array, x: Float64Array): number {
  let sum = 0n;
  for (let j = 0; j < w.length; j++) sum += fixed(w[j] ?? 0) * fixed(x[j] ?? 0);
  return rounded(sum, 2 * SCALE);
}

/** v * 2^SCALE */
function fixed(v: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, v);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = field === 0 ? fraction : fraction | (1n << 52n);
  const shift = Math.max(field, 1) - 1075 + SCALE;
  if (shift < 0 && mantissa !== 0n) throw new RangeError(`${v} is no multiple of 2^-${SCALE}`);
  const size = shift < 0 ? 0n : mantissa << BigInt(shift);
  return v < 0 ? -size : size;
}

/** sum * 2^-scale as an f64, nearest even. */
function rounded(sum: bigint, scale: number): number {
  const size = sum < 0n ? -sum : sum;
  if (size === 0n) return 0;
  const drop = BigInt(Math.max(0, size.toString(2).length - 53));
  const half = drop === 0n ? 0n : 1n << (drop - 1n);
  let mantissa = size >> drop;
  const rest = size - (mantissa << drop);
  if (drop > 0n && (rest > half || (rest === half && (mantissa & 1n) === 1n))) mantissa += 1n;
  const value = Number(mantissa) * 2 ** (Number(drop) - scale / 2) * 2 ** (-scale / 2);
  return sum < 0n ? -value : value;
}

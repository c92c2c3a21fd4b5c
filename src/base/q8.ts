import { roundToF16 } from './float';

/** Elements that share one scale in Q8_0 and Q8_1. */
const Q8_0_BLOCK = 32;
/** Elements that share one scale in Q8_K. */
const Q8_K_BLOCK = 256;

/**
 * Activations as Q8_0 holds them, back as numbers: a block's d = max|x| / 127, q = round(x / d) with halves away from zero, d kept as
 * f16. `quantize_row_q8_0_ref` in ggml-quants.c, every step in f32 as there. Q8_1 has the same d and q; its f16 block sum, which only
 * the minimum of Q4_1 and Q5_1 weights meets, is taken as exact.
 * @param x rows of whole blocks, rounded to f32 first
 */
export function roundToQ8_0(x: Float64Array): Float64Array<ArrayBuffer> {
  const single = new Float32Array(x);
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += Q8_0_BLOCK) {
    let size = 0;
    for (let i = at; i < at + Q8_0_BLOCK; i++) size = Math.max(size, Math.abs(single[i]!));
    const d = Math.fround(size / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    const kept = roundToF16(d);
    for (let i = at; i < at + Q8_0_BLOCK; i++) out[i] = halfAway(Math.fround(single[i]! * inverse)) * kept;
  }
  return out;
}

/**
 * Activations as Q8_K holds them, back as numbers: the element of largest size becomes -127, q = nearest with halves to even, d in f32.
 * `quantize_row_q8_K_ref` in ggml-quants.c.
 * @param x rows of whole blocks, rounded to f32 first
 */
export function roundToQ8_K(x: Float64Array): Float64Array<ArrayBuffer> {
  const single = new Float32Array(x);
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += Q8_K_BLOCK) {
    let largest = 0;
    for (let i = at; i < at + Q8_K_BLOCK; i++) if (Math.abs(single[i]!) > Math.abs(largest)) largest = single[i]!;
    const inverse = largest === 0 ? 0 : Math.fround(-127 / largest);
    const d = largest === 0 ? 0 : Math.fround(1 / inverse);
    for (let i = at; i < at + Q8_K_BLOCK; i++) {
      out[i] = Math.min(127, halfEven(Math.fround(inverse * single[i]!))) * d;
    }
  }
  return out;
}

/**
 * How far rounding to 8 bits may be from {@link roundToQ8_0} or {@link roundToQ8_K} in another implementation of it, by element: a step where the quotient
 * lies so near to a half that the order of its operations decides (1 / d or 127 / max, at most three roundings to f32), else 0.
 * @param blockSize of elements that share a scale
 */
export function q8Doubt(x: Float64Array, blockSize: 32 | 256): Float64Array<ArrayBuffer> {
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += blockSize) {
    let largest = 0;
    for (let i = at; i < at + blockSize; i++) largest = Math.max(largest, Math.abs(x[i]!));
    const step = largest / 127;
    if (step === 0) continue;
    for (let i = at; i < at + blockSize; i++) {
      const steps = Math.abs(x[i]!) / step;
      const fromHalf = Math.abs(steps - Math.floor(steps) - 0.5);
      // The scale is kept as f16 by one of the two.
      if (fromHalf <= steps * QUOTIENT) out[i] = step * (1 + 2 ** -10);
    }
  }
  return out;
}

/** Three roundings to f32, relative. */
const QUOTIENT = 3 * 2 ** -24 * (1 + 2 ** -20);

/**
 * What a block's sum, kept as f16, adds to a product with weights that have a minimum: m times 2^-11 of the sum. A block's minimum is one of its weights
 * in every file that a quantiser wrote, so that each element may be off by as much.
 */
export function q8SumDoubt(rounded: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rounded.length);
  for (let at = 0; at < rounded.length; at += Q8_0_BLOCK) {
    let sum = 0;
    for (let i = at; i < at + Q8_0_BLOCK; i++) sum += rounded[i]!;
    out.fill(Math.max(Math.abs(sum) * 2 ** -11, 2 ** -25), at, at + Q8_0_BLOCK);
  }
  return out;
}

function halfAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

function halfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

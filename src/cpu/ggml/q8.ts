import { f16Bits, f16ToNumber } from '../../base/float';

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
    const kept = f16ToNumber(f16Bits(d));
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

function halfAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

function halfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

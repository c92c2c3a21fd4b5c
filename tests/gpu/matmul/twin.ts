import { dequantizeRows } from '../../../src/gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../../src/gguf/ggml-types';

/** One rounding of f32 arithmetic in WGSL, which leaves the direction open: 2^-23, not 2^-24. */
const ROUNDING = 2 ** -23;
/** Below it an f32 is subnormal, and an adapter may flush it to zero. */
const SMALLEST_NORMAL = 2 ** -126;

export interface Product {
  readonly value: number;
  /** The largest error of an honest f32 sum of products, in any order, fused or not: gamma_n * sum |w x| (Higham), and flushes. */
  readonly bound: number;
}

/** The plain twin of every matmul kernel: rows of W, dequantised, against any vector, in f64. */
export function dequantised(
  type: QuantType,
  bytes: Uint8Array,
  nRows: number,
  nIn: number,
): (row: number) => Float32Array {
  const out = new Float32Array(nRows * nIn);
  for (let r = 0; r < nRows; r++) dequantizeRows(type, bytes, r * rowBytes(type, nIn), out, r * nIn, nIn);
  return (row) => out.subarray(row * nIn, (row + 1) * nIn);
}

/** sum over k of w[k] * x[k] with its bound. */
export function product(w: Float32Array, x: Float32Array): Product {
  let value = 0;
  let magnitude = 0;
  let flushed = 0;
  for (let k = 0; k < w.length; k++) {
    const a = w[k] ?? 0;
    const b = x[k] ?? 0;
    value += a * b;
    magnitude += Math.abs(a * b);
    if (Math.abs(a) < SMALLEST_NORMAL || Math.abs(b) < SMALLEST_NORMAL) flushed += Math.abs(a * b);
  }
  const n = w.length;
  const gamma = (n * ROUNDING) / (1 - n * ROUNDING);
  return { value, bound: gamma * magnitude + flushed + 2 * n * SMALLEST_NORMAL };
}

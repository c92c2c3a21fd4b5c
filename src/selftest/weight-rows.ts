import { TINY } from '../ops/rounding';
import { dequantizeRows } from '../gguf/dequant/dequantisers';
import { rowBytes } from '../gguf/ggml-types';
import { typeOf, type QuantType } from '../types/types';
import { randomWeights, type WeightKind } from './random-weights';

/** A seeded matrix as a file holds it, and dequantised as the reference does. */
export interface WeightRows {
  readonly type: QuantType;
  readonly nRows: number;
  readonly nIn: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** (nRows, nIn) */
  readonly values: Float32Array<ArrayBuffer>;
}

export function weightRows(type: QuantType, nRows: number, nIn: number, kind: WeightKind, seed: number): WeightRows {
  const bytes = randomWeights(type, nRows, nIn, kind, seed);
  return { type, nRows, nIn, bytes, values: dequantised(type, bytes, nRows, nIn) };
}

function dequantised(type: QuantType, bytes: Uint8Array, nRows: number, nIn: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(nRows * nIn);
  for (let r = 0; r < nRows; r++) dequantizeRows(type, bytes, r * rowBytes(type, nIn), values, r * nIn, nIn);
  return values;
}

/** sum_k w_k x_k of one row in f64, and sum_k (|w_k| + t)(|x_k| + t), which its error bound is made of (docs/numerics.md). */
export interface RowProduct {
  readonly value: number;
  readonly magnitude: number;
}

export function rowProduct(
  { values, nIn }: Pick<WeightRows, 'values' | 'nIn'>,
  row: number,
  x: ArrayLike<number>,
): RowProduct {
  let value = 0;
  let magnitude = 0;
  for (let k = 0; k < nIn; k++) {
    const w = values[row * nIn + k]!;
    value += w * x[k]!;
    magnitude += (Math.abs(w) + TINY) * (Math.abs(x[k]!) + TINY);
  }
  return { value, magnitude };
}

/**
 * The part of each weight that does not depend on its quant, (nRows, nIn): minus the minimum of its group. A kernel that multiplies quants
 * and minima apart adds numbers as large as both.
 */
export function minima({ type, nRows, nIn, bytes }: WeightRows): Float32Array<ArrayBuffer> {
  const { typeSize, ownDot } = typeOf(type);
  const head = ownDot?.minimaHead;
  if (head === undefined) return new Float32Array(nRows * nIn);
  const headsOnly = bytes.map((byte, i) => (i % typeSize < head ? byte : 0));
  return dequantised(type, headsOnly, nRows, nIn);
}

/** Several blocks; for floats no multiple of anything. */
export function oddLength(type: QuantType): number {
  const { blockSize } = typeOf(type);
  return blockSize === 1 ? 77 : 3 * blockSize;
}

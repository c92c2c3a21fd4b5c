import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import { TINY } from '../../ops/rounding';
import { dot } from './dot';
import type { RowProducts, RowsWork } from './rows-work';

/** The plain loops: the truth that `simd-rows.ts` equals to the bit. */
export function plainRows(work: RowsWork): RowProducts {
  const { type, bytes, rows, nIn, x, nTokens, magnitudes: sized } = work;
  const row = new Float32Array(nIn);
  const y = new Float64Array(nTokens * rows);
  const sizes = sized > 0 ? sizesOf(x.subarray(0, sized * nIn)) : undefined;
  const rowSizes = new Float32Array(nIn);
  const magnitudes = new Float64Array(sized * rows);
  return {
    rowsAtOnce: 1,
    multiply(from, to) {
      for (let r = from; r < to; r++) {
        dequantizeRows(type, bytes, r * rowBytes(type, nIn), row, 0, nIn);
        for (let t = 0; t < nTokens; t++) y[t * rows + r] = dot(row, x, t * nIn, nIn);
        if (sizes === undefined) continue;
        addSizes(row, rowSizes);
        for (let t = 0; t < sized; t++) magnitudes[t * rows + r] = dot(rowSizes, sizes, t * nIn, nIn);
      }
    },
    y: () => y,
    magnitudes: () => (sizes === undefined ? undefined : magnitudes),
    release: () => undefined,
  };
}

/** |x_j| + TINY */
export function sizesOf(x: Float64Array): Float64Array {
  const sizes = new Float64Array(x.length);
  for (let j = 0; j < x.length; j++) sizes[j] = Math.abs(x[j]!) + TINY;
  return sizes;
}

/** to_j = |row_j| + TINY. Rounded to f32 the sum is still at least |row_j|, and at least TINY. */
function addSizes(row: Float32Array, to: Float32Array): void {
  const tiny = TINY;
  for (let j = 0; j < row.length; j++) to[j] = Math.abs(row[j]!) + tiny;
}

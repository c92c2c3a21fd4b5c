import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes } from '../../gguf/ggml-types';
import { dot } from './dot';
import { dotSizes, rowSizes, sizesOf } from './magnitudes';
import type { RowProducts, RowsWork } from './rows-work';

/** The plain loops: the truth that `simd-rows.ts` equals to the bit. */
export function plainRows(work: RowsWork): RowProducts {
  const { type, bytes, rows, nIn, x, nTokens, magnitudes: sized } = work;
  const row = new Float32Array(nIn);
  const y = new Float64Array(nTokens * rows);
  const { values: sizes, factors } = sizesOf(x, sized, nIn);
  const sizesOfRow = new Float32Array(nIn);
  const magnitudes = new Float64Array(sized * rows);
  return {
    rowsAtOnce: 1,
    multiply(from, to) {
      for (let r = from; r < to; r++) {
        dequantizeRows(type, bytes, r * rowBytes(type, nIn), row, 0, nIn);
        for (let t = 0; t < nTokens; t++) y[t * rows + r] = dot(row, x, t * nIn, nIn);
        if (sized === 0) continue;
        rowSizes(row, sizesOfRow);
        for (let t = 0; t < sized; t++)
          magnitudes[t * rows + r] = dotSizes(sizesOfRow, sizes, t * nIn, nIn) * factors[t]!;
      }
    },
    y: () => y,
    magnitudes: () => (sized === 0 ? undefined : magnitudes),
    release: () => undefined,
  };
}

import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../gguf/ggml-types';
import { TINY } from '../bounds/rounding';
import { dot, sizeDot } from './dot';

/** A few rows of a weight matrix times the vectors of a few tokens. */
export interface RowsTask {
  readonly type: QuantType;
  /** Raw weight bytes, (rows, nIn) in blocks of `type`. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly nIn: number;
  /** (nTokens, nIn) */
  readonly x: Float64Array;
  readonly nTokens: number;
  /** Receives (nTokens, rows). */
  readonly y: Float64Array;
  /** Scratch for one dequantised row (nIn). */
  readonly row: Float32Array<ArrayBuffer>;
  readonly magnitudes: MagnitudeTask | undefined;
}

/** What the error bounds need besides. */
export interface MagnitudeTask {
  /** |x| + TINY, (nTokens, nIn) */
  readonly xSizes: Float64Array;
  /** Scratch for |w| + TINY of one row (nIn). */
  readonly rowSizes: Float64Array;
  /** Receives sum_j (|w_ij| + TINY) (|x_j| + TINY), (nTokens, rows). */
  readonly out: Float64Array<ArrayBuffer>;
}

/** Row `r` of the task for every token: y[t][r] = w_r . x_t. The row is dequantised once. */
export function matmulRow(task: RowsTask, r: number): void {
  const { type, bytes, rows, nIn, x, nTokens, y, row, magnitudes } = task;
  dequantizeRows(type, bytes, r * rowBytes(type, nIn), row, 0, nIn);
  for (let t = 0; t < nTokens; t++) y[t * rows + r] = dot(row, x, t * nIn, nIn);
  if (magnitudes === undefined) return;
  const { xSizes, rowSizes, out } = magnitudes;
  for (let j = 0; j < nIn; j++) rowSizes[j] = Math.abs(row[j]!) + TINY;
  for (let t = 0; t < nTokens; t++) out[t * rows + r] = sizeDot(rowSizes, xSizes, t * nIn, nIn);
}

/** The part of a {@link RowsTask} that computes magnitudes. */
export function magnitudeTask(x: Float64Array, nTokens: number, nIn: number, rows: number): MagnitudeTask {
  return {
    xSizes: Float64Array.from(x, (value) => Math.abs(value) + TINY),
    rowSizes: new Float64Array(nIn),
    out: new Float64Array(nTokens * rows),
  };
}

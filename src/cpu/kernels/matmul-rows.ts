import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../gguf/ggml-types';
import { dot, dotMagnitude } from './dot';

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
  /** Receives sum_j |w_ij x_j| in the same layout, when given. */
  readonly magnitudes: Float64Array | undefined;
  /** Scratch for one dequantised row (nIn). */
  readonly row: Float32Array<ArrayBuffer>;
}

/** Row `r` of the task for every token: y[t][r] = w_r . x_t. The row is dequantised once. */
export function matmulRow(task: RowsTask, r: number): void {
  const { type, bytes, rows, nIn, x, nTokens, y, magnitudes, row } = task;
  dequantizeRows(type, bytes, r * rowBytes(type, nIn), row, 0, nIn);
  for (let t = 0; t < nTokens; t++) y[t * rows + r] = dot(row, x, t * nIn, nIn);
  if (magnitudes === undefined) return;
  for (let t = 0; t < nTokens; t++) magnitudes[t * rows + r] = dotMagnitude(row, x, t * nIn, nIn);
}

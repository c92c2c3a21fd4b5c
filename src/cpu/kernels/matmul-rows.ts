import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { rowBytes, type QuantType } from '../../gguf/ggml-types';
import { TINY } from '../bounds/rounding';
import { rowDots, type RowDots } from './row-dots';

/** A few rows of a weight matrix times the vectors of a few tokens. */
export interface RowsTask {
  readonly type: QuantType;
  /** Raw weight bytes, (rows, nIn) in blocks of `type`. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly nIn: number;
  readonly nTokens: number;
  /** Holds the tokens' vectors and one dequantised row. */
  readonly dots: RowDots;
  /** Receives (nTokens, rows). */
  readonly y: Float64Array;
  readonly magnitudes: MagnitudeTask | undefined;
}

/** What the error bounds need besides. */
export interface MagnitudeTask {
  /** Holds |x| + TINY of the tokens, and |w| + TINY of one row. */
  readonly dots: RowDots;
  /** Receives sum_j (|w_ij| + TINY) (|x_j| + TINY), (nTokens, rows). */
  readonly out: Float64Array<ArrayBuffer>;
}

/** Row `r` of the task for every token: y[t][r] = w_r . x_t. The row is dequantised once. */
export function matmulRow(task: RowsTask, r: number): void {
  const { type, bytes, rows, nIn, nTokens, dots, y, magnitudes } = task;
  const { row } = dots;
  dequantizeRows(type, bytes, r * rowBytes(type, nIn), row, 0, nIn);
  for (let t = 0; t < nTokens; t++) y[t * rows + r] = dots.dot(t);
  if (magnitudes === undefined) return;
  const { dots: sizes, out } = magnitudes;
  addSizes(row, sizes.row);
  for (let t = 0; t < nTokens; t++) out[t * rows + r] = sizes.dot(t);
}

/** The part of a {@link RowsTask} that computes magnitudes; its dots are the caller's to release. @param x (nTokens, nIn) */
export function magnitudeTask(x: Float64Array, nTokens: number, nIn: number, rows: number): MagnitudeTask {
  const sizes = new Float64Array(x.length);
  for (let j = 0; j < x.length; j++) sizes[j] = Math.abs(x[j]!) + TINY;
  return { dots: rowDots(sizes, nTokens, nIn), out: new Float64Array(nTokens * rows) };
}

/** to_j = |row_j| + TINY. Rounded to f32 the sum is still at least |row_j|, and at least TINY. */
function addSizes(row: Float32Array, to: Float32Array): void {
  const tiny = TINY;
  for (let j = 0; j < row.length; j++) to[j] = Math.abs(row[j]!) + tiny;
}

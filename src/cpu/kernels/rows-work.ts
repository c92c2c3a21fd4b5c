import type { QuantType } from '../../gguf/ggml-types';

/** Some rows of a weight matrix times the vectors of some tokens. */
export interface RowsWork {
  readonly type: QuantType;
  /** Raw weight bytes, (rows, nIn) in blocks of `type`. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly nIn: number;
  /** (nTokens, nIn) */
  readonly x: Float64Array;
  readonly nTokens: number;
  /** Rows of x, from the first, that also give what the error bounds need: sum_j (|w_ij| + TINY) (|x_j| + TINY). */
  readonly magnitudes: number;
}

/** The work, row by row, so that its owner may pause between rows. */
export interface RowProducts {
  /** Rows that are best multiplied by one call, at least. */
  readonly rowsAtOnce: number;
  /** Rows [from, to): y[t][r] = w_r . x_t, in the order of `dot.ts`. A row is dequantised once. */
  multiply(from: number, to: number): void;
  /** (nTokens, rows), the caller's to keep. */
  y(): Float64Array<ArrayBuffer>;
  /** (magnitudes, rows), the caller's to keep; undefined when not asked for. */
  magnitudes(): Float64Array<ArrayBuffer> | undefined;
  /** Gives back the memory. Nothing of it may be used afterwards. */
  release(): void;
}

import type { ReadOptions, TensorRows } from '../../gguf/tensor-rows';

/** Rows of a weight matrix, for some tokens. */
export interface RowsJob extends TensorRows {
  readonly nTokens: number;
}

/** Those rows times the tokens' vectors. */
export interface MatmulJob extends RowsJob {
  /** (nTokens, nIn), nIn = tensor.dims[0]. Not changed and not transferred. */
  readonly x: Float64Array<ArrayBufferLike>;
  /** Rows of x, from the first, that also give sum_j |w_ij x_j| (a little more: see TINY in rounding.ts), which error bounds scale with. */
  readonly magnitudes: number;
}

export interface MatmulResult {
  /** (nTokens, rows) */
  readonly y: Float64Array<ArrayBuffer>;
  /** (magnitudes, rows), when asked for. */
  readonly magnitudes: Float64Array<ArrayBuffer> | undefined;
}

/** Where matrix products run: in this thread or spread over workers. Which pool runs them changes no bit of the result. */
export interface CpuPool {
  /**
   * Results in the order of `jobs`.
   * @throws TracerError as `ModelFile.readTensor`; `run-cancelled` within the time of one row chunk (some 30 ms); `cpu-worker` when a
   * worker died.
   */
  run(jobs: readonly MatmulJob[], options: ReadOptions): Promise<readonly MatmulResult[]>;
  /**
   * The rows of a later `run`, in its order, so that they can be read meanwhile. May do nothing; what is expected in vain costs a read.
   */
  expect(jobs: readonly RowsJob[]): void;
  /** Ends the workers. Safe to call twice. */
  dispose(): Promise<void>;
}

import type { prepareMatmul } from '../matmul/encode-matmul';
import type { WeightPart } from '../weights/weight-part';

/** A part of a weight and the rows that meet it. */
export interface MatmulTask {
  readonly part: WeightPart;
  /** (xRow, yRow) pairs, flat. */
  readonly rows: readonly number[];
  /** Where the part's first output lies in a row of y. */
  readonly column: number;
  /** Another kernel than the one that fits the shape: faults on purpose. */
  readonly prepare?: typeof prepareMatmul;
}

/** What a product computes in place of what it should: faults on purpose. @param rowsPerToken that yRow counts: slots, or heads */
export type ChangeTasks = (tasks: readonly MatmulTask[], rowsPerToken: number) => readonly MatmulTask[];

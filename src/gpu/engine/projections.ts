import type { BufferRange } from '../recorder';

/** The projections of a layer in the order in which stacked weights hold them. */
export const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj'] as const;
export type Projection = (typeof PROJECTIONS)[number];

/** Projections that one dispatch computed, side by side in the rows of one buffer. */
export interface Together {
  /** (rows, qDim + 2 * kvDim) */
  readonly joined: BufferRange;
  /** First column of each projection that lies there. */
  readonly columns: Map<Projection, number>;
}

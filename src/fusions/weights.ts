import type { WeightSlot } from '../arch/graph';
import type { QuantType } from '../types/types';

/** Whole rows of a matrix in one buffer, from its first byte on. */
export interface TileRows {
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** How a matrix lies on the GPU, or the experts' matrices one after another. Tiles cut between experts. */
export interface MatrixLayout {
  readonly type: QuantType;
  readonly tiles: readonly TileRows[];
  /** Why a kernel that multiplies rows of a tensor of its own cannot take it: `has a bias`. */
  readonly unfit?: string | undefined;
}

/** Matrices of one type that lie in one buffer as if they were one, from its first byte on. */
export interface StackLayout {
  readonly type: QuantType;
  /** Of all of them. */
  readonly rows: number;
}

/** Where the weights of a graph lie: what a plan depends on. */
export interface WeightLayouts {
  matrix(slot: WeightSlot): MatrixLayout;
  /** Matrices that multiply one input, in this order, in as few stacks as they lie in. */
  stacks(slots: readonly WeightSlot[]): readonly StackLayout[];
}

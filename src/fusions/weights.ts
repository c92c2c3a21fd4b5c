import type { WeightSlot } from '../arch/graph';
import type { TensorRows } from '../gguf/tensor-rows';

/** Where the weights of a graph lie: what a plan depends on. */
export interface WeightLayouts<Rows extends TensorRows = TensorRows> {
  /** What of a matrix, or of the experts' matrices one after another, lies in one buffer each: cut between experts. */
  matrix(slot: WeightSlot): readonly Rows[];
  /** Matrices that multiply one input, in this order, in as few stacks as they lie in: rows of one type in one buffer as if they were one matrix. */
  stacks(slots: readonly WeightSlot[]): readonly (readonly Rows[])[];
  /** Why a kernel that multiplies rows of a tensor of its own cannot take it: `has a bias`. */
  unfit(slot: WeightSlot): string | undefined;
}

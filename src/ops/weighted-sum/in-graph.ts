import { dimOf, floatsOf, lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { weightedSumBound } from './bound';
import { weightedSum } from './exact';

/** The experts' outputs by their weights. */
export const weightedSumOp: ExactOp<'weighted-sum'> = {
  exact: (at) => ({ values: weightedSum(at.float(0), at.float(1), at.rows, slotsOf(at), lastDim(at, 1)) }),
  bound: (at, output) =>
    weightedSumBound(at.float(0), at.float(1), floatsOf(output), at.rows, slotsOf(at), lastDim(at, 1)),
};

function slotsOf(at: ExactContext<'weighted-sum'>): number {
  return dimOf(at, at.node.inputs[0]?.axes[1]);
}

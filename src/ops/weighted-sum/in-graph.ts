import { dimOf, floatsOf, lastDim, valuesInPieces, type ExactContext, type ExactOp } from '../exact-op';
import { weightedSumBound } from './bound';
import { weightedSum } from './exact';

/** The experts' outputs by their weights. */
export const weightedSumOp: ExactOp<'weighted-sum'> = {
  exact: async (at) => {
    const [weights, y] = [at.float(0), at.float(1)];
    const [k, n] = [slotsOf(at), lastDim(at, 1)];
    const values = await valuesInPieces(at, at.rows * n, n, (from, to) =>
      weightedSum(weights.subarray((from / n) * k, (to / n) * k), y.subarray(from * k, to * k), (to - from) / n, k, n),
    );
    return { values };
  },
  bound: (at, output) => {
    const [weights, y, exact] = [at.float(0), at.float(1), floatsOf(output)];
    const [k, n] = [slotsOf(at), lastDim(at, 1)];
    return valuesInPieces(at, at.rows * n, n, (from, to) => {
      const [w, x] = [weights.subarray((from / n) * k, (to / n) * k), y.subarray(from * k, to * k)];
      return weightedSumBound(w, x, exact.subarray(from, to), (to - from) / n, k, n);
    });
  },
};

function slotsOf(at: ExactContext<'weighted-sum'>): number {
  return dimOf(at, at.node.inputs[0]?.axes[1]);
}

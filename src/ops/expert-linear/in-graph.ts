import { lastDim, type ExactOp } from '../exact-op';
import { matmulBound } from '../linear/bound';

/** Products with the chosen experts' matrices. */
export const expertLinearOp: ExactOp<'expert-linear'> = {
  exact: (at) => {
    const [x, chosen] = at.node.inputs;
    // A vector of its own in each slot, where x has the slots as an axis.
    const perSlot = x !== undefined && chosen !== undefined && x.axes.length > chosen.axes.length;
    return at.expertMatmul(at.float(0), perSlot, at.indices(1));
  },
  bound: (at, { values, magnitudes }) =>
    matmulBound(values, magnitudes ?? new Float64Array(values.length).fill(Infinity), lastDim(at, 0), at.sumOrder),
};

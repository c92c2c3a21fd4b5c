import type { ExactOp } from '../exact-op';
import { productBound, withAffine } from '../linear/in-graph';

/** Products with the chosen experts' matrices. */
export const expertLinearOp: ExactOp<'expert-linear'> = {
  exact: async (at) => {
    const [x, chosen] = at.node.inputs;
    // A vector of its own in each slot, where x has the slots as an axis.
    const perSlot = x !== undefined && chosen !== undefined && x.axes.length > chosen.axes.length;
    const experts = at.indices(1);
    return withAffine(at, await at.expertMatmul(at.float(0), perSlot, experts), experts);
  },
  bound: (at, output) => productBound(at, output, at.indices(1)),
};

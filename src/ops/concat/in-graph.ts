import { floatsOf, lastDim, type ExactOp } from '../exact-op';
import { sliceBound } from '../slice/bound';
import { concat } from './exact';

/** Two values side by side. What is copied errs as what a slice copies does. */
export const concatOp: ExactOp<'concat'> = {
  exact: (at) => {
    const a = at.float(0);
    return { values: concat(a, at.float(1), a.length / lastDim(at, 0)) };
  },
  bound: (_at, output) => sliceBound(floatsOf(output)),
};

import { dimOf, lastDim, type ExactOp } from '../exact-op';
import { topK } from './exact';

/** The chosen experts. There is no bound: they are compared as sets, and a flip is judged against the drift of the probabilities. */
export const topKOp: ExactOp<'top-k'> = {
  exact: (at) => {
    const n = lastDim(at, 0);
    const k = dimOf(at, at.node.out.axes[1]);
    const values = new Uint32Array(at.rows * k);
    for (let t = 0; t < at.rows; t++) topK(at.float(0), t * n, n, k, values, t * k);
    return { values };
  },
  bound: () => undefined,
};

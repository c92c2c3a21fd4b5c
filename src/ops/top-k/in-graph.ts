import { dimOf, eachPiece, lastDim, type ExactOp } from '../exact-op';
import { topK } from './exact';

/** The chosen experts. There is no bound: they are compared as sets, and a flip is judged against the drift of the probabilities. */
export const topKOp: ExactOp<'top-k'> = {
  exact: async (at) => {
    const n = lastDim(at, 0);
    const k = dimOf(at, at.node.out.axes[1]);
    const values = new Uint32Array(at.rows * k);
    const x = at.float(0);
    const { groups } = at.node.attrs;
    const open = groups === undefined ? undefined : at.indices(1);
    const nOpen = open === undefined ? 0 : open.length / at.rows;
    await eachPiece(at, x.length, n, (from, to) => {
      for (let start = from; start < to; start += n) {
        const row = start / n;
        const chosen = open?.subarray(row * nOpen, (row + 1) * nOpen);
        const within = chosen && groups !== undefined ? { count: groups, chosen } : undefined;
        topK(x, start, n, k, values, row * k, within);
      }
    });
    return { values };
  },
  bound: () => undefined,
};

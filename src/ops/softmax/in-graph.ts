import { dimOf, lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { softmaxBound } from './bound';
import { softmax } from './exact';

/** Softmax of rows; by key where its input is, over what the mask leaves. */
export const softmaxOp: ExactOp<'softmax'> = {
  exact: (at) => {
    const n = lastDim(at, 0);
    const values = at.float(0).slice();
    for (let start = 0; start < values.length; start += n) softmax(values, start, n);
    return { values };
  },

  keyRows: (at) => {
    const scores = at.keyRows(0);
    return {
      row: (token, head, nKeys, out, outAt) => {
        const visible = Math.min(nKeys, visibleKeys(at, token));
        scores.row(token, head, visible, out, outAt);
        softmax(out, outAt, visible);
      },
      release: () => {
        scores.release();
      },
    };
  },

  bound: async (at, output) => {
    const out = new Float64Array(output.values.length);
    if (!at.node.out.axes.includes('nKeys')) {
      const x = at.float(0);
      const n = lastDim(at, 0);
      for (let start = 0; start < out.length; start += n) softmaxBound(x, start, n, out, start);
      return out;
    }
    // Keys that the mask hides are exactly 0 on both sides; their bound is 0.
    const heads = dimOf(at, at.node.out.axes[1]);
    const row = new Float64Array(at.nKeys);
    const scores = at.keyRows(0);
    try {
      let start = 0;
      for (const token of at.wanted) {
        const visible = visibleKeys(at, token);
        for (let head = 0; head < heads; head++, start += at.nKeys) {
          scores.row(token, head, visible, row, 0);
          softmaxBound(row, 0, visible, out, start);
          if (at.pause.due()) await at.pause.breathe();
        }
      }
    } finally {
      scores.release();
    }
    return out;
  },
};

/** Keys that a row may see. */
export function visibleKeys(at: ExactContext<'softmax' | 'attention-values'>, row: number): number {
  return at.node.attrs.mask === 'causal' ? at.positionOf(row) + 1 : at.nKeys;
}

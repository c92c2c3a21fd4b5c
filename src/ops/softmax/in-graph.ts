import { dimOf, eachPiece, lastDim, type ExactContext, type ExactOp } from '../exact-op';
import { softmaxBound } from './bound';
import { softmax } from './exact';

/** Softmax of rows; by key where its input is, over what the mask leaves. */
export const softmaxOp: ExactOp<'softmax'> = {
  exact: async (at) => {
    const n = lastDim(at, 0);
    const values = at.float(0).slice();
    await eachPiece(at, values.length, n, (from, to) => {
      for (let start = from; start < to; start += n) softmax(values, start, n);
    });
    return { values };
  },

  keyRows: async (at) => {
    const sinks = await sinksOf(at);
    const scores = await at.keyRows(0);
    return {
      row: (token, head, nKeys, out, outAt) => {
        const { first, end } = visibleKeys(at, token);
        const seen = Math.min(nKeys, end);
        scores.row(token, head, seen, out, outAt);
        out.fill(0, outAt, outAt + Math.min(first, seen));
        if (first < seen) softmax(out, outAt + first, seen - first, sinks?.[head]);
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
      await eachPiece(at, out.length, n, (from, to) => {
        for (let start = from; start < to; start += n) softmaxBound(x, start, n, out, start);
      });
      return out;
    }
    // Keys that the mask hides are exactly 0 on both sides; their bound is 0.
    const heads = dimOf(at, at.node.out.axes[1]);
    const row = new Float64Array(at.nKeys);
    const sinks = await sinksOf(at);
    const scores = await at.keyRows(0);
    try {
      let start = 0;
      for (const token of at.wanted) {
        const { first, end } = visibleKeys(at, token);
        for (let head = 0; head < heads; head++, start += at.nKeys) {
          scores.row(token, head, end, row, 0);
          softmaxBound(row, first, end - first, out, start + first, at.rescales(end - first), sinks?.[head]);
          if (at.pause.due()) await at.pause.yieldToEventLoop();
        }
      }
    } finally {
      scores.release();
    }
    return out;
  },
};

/** One for each head, where the node has them. */
async function sinksOf(at: ExactContext<'softmax'>): Promise<Float32Array | undefined> {
  return at.node.weights.length === 0 ? undefined : at.vector();
}

/** Keys that a row may see: from `first` to `end`, which is beyond the last. */
export function visibleKeys(
  at: ExactContext<'softmax' | 'attention-values'>,
  row: number,
): { readonly first: number; readonly end: number } {
  const { mask, window } = at.node.attrs;
  const end = mask === 'causal' ? at.positionOf(row) + 1 : at.nKeys;
  return { first: window === undefined ? 0 : Math.max(0, end - window), end };
}

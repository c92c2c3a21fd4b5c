import { dimOf, type ExactContext, type ExactOp } from '../exact-op';
import { scoreBound } from './bound';

/** Queries times keys, before any mask. Grouped queries: head h reads kv head floor(h / (heads / kvHeads)). */
export const attentionScoresOp: ExactOp<'attention-scores'> = {
  keyRows: (at) => {
    const { heads, headDim, group, kvDim } = headsOf(at);
    const q = at.float(0);
    const products = at.headProducts(at.state(0), 'keys', { kvDim, headDim, divisor: at.node.attrs.divisor });
    return {
      row: (token, head, nKeys, out, outAt) => {
        const channel = Math.floor(head / group) * headDim;
        products.scores(q, (token * heads + head) * headDim, channel, nKeys, out, outAt);
      },
      release: () => {
        products.release();
      },
    };
  },

  bound: async (at, output) => {
    const { heads, headDim, group, kvDim } = headsOf(at);
    const q = at.float(0);
    const keys = at.state(0);
    const out = new Float64Array(output.values.length);
    let start = 0;
    for (const token of at.wanted) {
      for (let head = 0; head < heads; head++) {
        const channel = Math.floor(head / group) * headDim;
        const qAt = (token * heads + head) * headDim;
        for (let key = 0; key < at.nKeys; key++) {
          out[start++] = scoreBound(q, qAt, keys, key * kvDim + channel, headDim, at.node.attrs.divisor);
        }
        if (at.pause.due()) await at.pause.yieldToEventLoop();
      }
    }
    return out;
  },
};

function headsOf(at: ExactContext<'attention-scores'>): {
  readonly heads: number;
  readonly headDim: number;
  /** Query heads that share a kv head. */
  readonly group: number;
  readonly kvDim: number;
} {
  const heads = dimOf(at, at.node.inputs[0]?.axes[1]);
  const headDim = dimOf(at, at.node.inputs[0]?.axes[2]);
  const kvHeads = dimOf(at, at.node.reads[0]?.value.axes[1]);
  return { heads, headDim, group: heads / kvHeads, kvDim: kvHeads * headDim };
}

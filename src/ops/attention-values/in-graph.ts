import { dimOf, floatsOf, type ExactContext, type ExactOp } from '../exact-op';
import { visibleKeys } from '../softmax/in-graph';
import { valueBounds } from './bound';

/** Values weighted by attention's softmax, heads side by side; query by query, so that no (nTokens, nHead, nKeys) array is ever whole. */
export const attentionValuesOp: ExactOp<'attention-values'> = {
  exact: async (at) => {
    const { heads, headDim, group, kvDim } = headsOf(at);
    const values = new Float64Array(at.rows * heads * headDim);
    const weights = new Float64Array(at.nKeys);
    const rows = await at.keyRows(0);
    const products = at.headProducts(at.state(0), 'values', { kvDim, headDim, divisor: 1 });
    try {
      for (let token = 0; token < at.rows; token++) {
        const { first, end } = visibleKeys(at, token);
        const seen = weights.subarray(first);
        for (let head = 0; head < heads; head++) {
          rows.row(token, head, end, weights, 0);
          const channel = first * kvDim + Math.floor(head / group) * headDim;
          products.values(seen, channel, end - first, values, (token * heads + head) * headDim);
          if (at.pause.due()) await at.pause.yieldToEventLoop();
        }
      }
    } finally {
      rows.release();
      products.release();
    }
    return { values };
  },

  bound: async (at, output) => {
    const { heads, headDim, group, kvDim } = headsOf(at);
    const exact = floatsOf(output);
    const out = new Float64Array(exact.length);
    const weights = new Float64Array(at.nKeys);
    const values = at.state(0);
    // A kernel may add hidden keys with weight 0, those before a window apart.
    const most = Math.min(at.nKeys, at.node.attrs.window ?? Infinity);
    const rows = await at.keyRows(0);
    try {
      for (const token of at.wanted) {
        const { first, end } = visibleKeys(at, token);
        const seen = weights.subarray(first);
        for (let head = 0; head < heads; head++) {
          rows.row(token, head, end, weights, 0);
          const channel = first * kvDim + Math.floor(head / group) * headDim;
          const start = (token * heads + head) * headDim;
          valueBounds(seen, end - first, most, values, channel, kvDim, headDim, exact, out, start);
          if (at.pause.due()) await at.pause.yieldToEventLoop();
        }
      }
    } finally {
      rows.release();
    }
    return out;
  },
};

function headsOf(at: ExactContext<'attention-values'>): {
  readonly heads: number;
  readonly headDim: number;
  readonly group: number;
  readonly kvDim: number;
} {
  const heads = dimOf(at, at.node.inputs[0]?.axes[1]);
  const kvHeads = dimOf(at, at.node.reads[0]?.value.axes[1]);
  const headDim = dimOf(at, at.node.reads[0]?.value.axes[2]);
  return { heads, headDim, group: heads / kvHeads, kvDim: kvHeads * headDim };
}

import { weightDims } from '../../arch/graph';
import { defineFusion, placed, weightOf } from '../fusion';
import { anglesOf, ATTENDED, ATTENDED_CAPTURES, attentionDispatches, headsOf, statesOf, unfitHeads } from './heads';
import { ATTENTION, ATTENTION_JOIN, ATTENTION_SHARED, ATTENTION_LANE_GROUPS } from './kernel';

/** Norms of heads, rotary embedding, keys and values kept, attention over them. */
export const attention = defineFusion({
  name: 'attention',
  covers: {
    qNorm: { op: 'rmsnorm', inputs: ['q'] },
    kNorm: { op: 'rmsnorm', inputs: ['k'] },
    queries: { op: 'rope', inputs: ['qNorm'] },
    keys: { op: 'rope', inputs: ['kNorm'] },
    ...ATTENDED,
  },
  leaves: ['out'],
  captures: { captureQNorm: 'qNorm', captureKNorm: 'kNorm', ...ATTENDED_CAPTURES },
  madeOf: { probs: 'scores' },
  remade: ['probs'],
  kernels: [ATTENTION, ATTENTION_SHARED, ATTENTION_LANE_GROUPS, ATTENTION_JOIN],
  when(covered, facts) {
    const { qNorm, kNorm } = covered.nodes;
    const { headDim } = headsOf(covered, facts);
    for (const node of [qNorm, kNorm]) {
      if (weightDims(weightOf(node), facts.graph.sizes)[0] !== headDim)
        return { node, reason: 'it is not a norm of each head' };
    }
    if (qNorm.attrs.eps !== kNorm.attrs.eps) return { node: kNorm, reason: "its eps is not that of the queries' norm" };
    return unfitHeads(covered, facts);
  },
  reads: ({ value }) => [placed('rows', value('q'), value('k'), value('v'))],
  writes: ({ nodes: { out } }) => [placed('folded', out.out)],
  appends(covered) {
    const { keys, values } = statesOf(covered);
    return [keys, values];
  },
  angles: anglesOf,
  dispatches(covered, facts, state) {
    const { value, nodes } = covered;
    const raw = [value('q'), value('k'), value('v')] as const;
    return attentionDispatches(covered, { raw, norms: { q: nodes.qNorm, k: nodes.kNorm } }, facts, state);
  },
});

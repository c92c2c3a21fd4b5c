import { anglesOf, ATTENDED, ATTENDED_CAPTURES, attentionDispatches, statesOf, unfitHeads } from '../attention/heads';
import { defineFusion, placed } from '../fusion';

/** Attention whose heads are not normed: its kernels are `attention`'s. */
export const attentionPlain = defineFusion({
  name: 'attention-plain',
  covers: {
    queries: { op: 'rope', inputs: ['q'] },
    keys: { op: 'rope', inputs: ['k'] },
    ...ATTENDED,
  },
  leaves: ['out'],
  captures: ATTENDED_CAPTURES,
  madeOf: { probs: 'scores' },
  remade: ['probs'],
  kernels: [],
  when: unfitHeads,
  reads: ({ value }) => [placed('rows', value('q'), value('k'), value('v'))],
  writes: ({ nodes: { out } }) => [placed('folded', out.out)],
  appends(covered) {
    const { keys, values } = statesOf(covered);
    return [keys, values];
  },
  angles: anglesOf,
  dispatches(covered, facts, state) {
    const { value } = covered;
    return attentionDispatches(covered, { raw: [value('q'), value('k'), value('v')] }, facts, state);
  },
});

import { shapeOf, weightDims, type StateSlot } from '../../arch/graph';
import type { Covered } from '../cover';
import {
  defineFusion,
  placed,
  STEP,
  TAPS,
  valuesOf,
  vectorOf,
  weightOf,
  type FusedDispatch,
  type Operand,
  type PlanFacts,
} from '../fusion';
import { attentionKernel, isJoined, joinVariant, MOST_SPLITS } from './attention-plan';
import { ATTENTION, ATTENTION_JOIN, ATTENTION_SHARED, ATTENTION_TEAMS } from './kernel';

/** Channels of the largest head: a lane a column of four. */
const MAX_HEAD_DIM = 256;
/** Lanes of a workgroup of attention_join.wgsl. */
const JOIN_LANES = 64;

const COVERS = {
  qNorm: { op: 'rmsnorm', inputs: ['q'] },
  kNorm: { op: 'rmsnorm', inputs: ['k'] },
  queries: { op: 'rope', inputs: ['qNorm'] },
  keys: { op: 'rope', inputs: ['kNorm'] },
  scores: { op: 'attention-scores', inputs: ['queries'], reads: ['keys'] },
  probs: { op: 'softmax', inputs: ['scores'] },
  out: { op: 'attention-values', inputs: ['probs'], reads: ['v'] },
} as const;

type Attention = Covered<typeof COVERS>;

/** (nTokens, heads, headDim) of queries and of keys. */
function headsOf({ nodes: { queries, keys } }: Attention, { graph }: PlanFacts) {
  const [, nHead = 1, headDim = 1] = shapeOf(queries.out.axes, graph.sizes, { nTokens: 1, nKeys: 1 });
  const [, nHeadKv = 1, keyDim = 1] = shapeOf(keys.out.axes, graph.sizes, { nTokens: 1, nKeys: 1 });
  return { nHead, nHeadKv, headDim, keyDim };
}

/** The states of keys and of values. @throws RangeError where there is none: the cover has fitted */
function statesOf({ nodes: { scores, out } }: Attention): { readonly keys: StateSlot; readonly values: StateSlot } {
  const [[keys], [values]] = [scores.reads, out.reads];
  if (keys === undefined || values === undefined) throw new RangeError(`${out.out.id} reads no state`);
  return { keys, values };
}

/** Norms of heads, rotary embedding, keys and values kept, attention over them. */
export const attention = defineFusion({
  name: 'attention',
  covers: COVERS,
  leaves: ['out'],
  captures: {
    ...{ tapQNorm: 'qNorm', tapKNorm: 'kNorm', tapQRope: 'queries', tapKRope: 'keys' },
    ...{ tapScores: 'scores', tapSoftmax: 'probs', tapAttention: 'out' },
  },
  madeOf: { probs: 'scores' },
  remade: ['probs'],
  kernels: [ATTENTION, ATTENTION_SHARED, ATTENTION_TEAMS, ATTENTION_JOIN],
  when(covered, facts) {
    const { qNorm, kNorm, queries, keys, probs, out } = covered.nodes;
    const { nHead, nHeadKv, headDim, keyDim } = headsOf(covered, facts);
    for (const node of [qNorm, kNorm]) {
      if (weightDims(weightOf(node), facts.graph.sizes)[0] !== headDim)
        return { node, reason: 'it is not a norm of each head' };
    }
    if (qNorm.attrs.eps !== kNorm.attrs.eps) return { node: kNorm, reason: "its eps is not that of the queries' norm" };
    for (const node of [queries, keys]) {
      const { pairing, dims, theta } = node.attrs;
      if (pairing !== 'neox' || dims !== headDim)
        return { node, reason: `it rotates ${dims} channels in pairs of the kind ${pairing}` };
      if (theta !== queries.attrs.theta) return { node, reason: "its angles are not the queries'" };
    }
    for (const node of [probs, out]) {
      if (node.attrs.mask !== 'causal') return { node, reason: `its mask is ${node.attrs.mask}` };
    }
    if (headDim % 4 !== 0 || headDim > MAX_HEAD_DIM)
      return { node: queries, reason: `heads of ${headDim} are no multiple of 4 up to ${MAX_HEAD_DIM}` };
    const values = shapeOf(covered.value('v').axes, facts.graph.sizes, { nTokens: 1, nKeys: 1 });
    if (keyDim !== headDim || nHead % nHeadKv !== 0 || values[1] !== nHeadKv || values[2] !== headDim)
      return { node: out, reason: 'heads of queries, keys and values do not fit each other' };
    return undefined;
  },
  reads: ({ value }) => [placed('rows', value('q'), value('k'), value('v'))],
  writes: ({ nodes: { out } }) => [placed('folded', out.out)],
  appends(covered) {
    const { keys, values } = statesOf(covered);
    return [keys, values];
  },
  angles: ({ nodes: { queries } }) => [{ theta: queries.attrs.theta, headDim: queries.attrs.dims }],
  dispatches(covered, facts, { way }) {
    const { value, nodes } = covered;
    const heads = headsOf(covered, facts);
    const { nHead, nHeadKv, headDim } = heads;
    const joins = isJoined(way);
    const folded = valuesOf('folded', nodes.out.out);
    const parts: Operand = { kind: 'scratch', name: 'parts', words: MOST_SPLITS * nHead * (headDim + 2) };
    const { keys, values } = statesOf(covered);
    const { kernel, variant, width } = attentionKernel(heads, way);
    const own: FusedDispatch = {
      kernel,
      variant,
      bindings: {
        qkv: valuesOf('rows', value('q'), value('k'), value('v')),
        step: STEP,
        gainQ: vectorOf(nodes.qNorm),
        gainK: vectorOf(nodes.kNorm),
        keys: { kind: 'state', slot: keys },
        values: { kind: 'state', slot: values },
        y: joins ? parts : folded,
        taps: TAPS,
      },
      params: {
        ...{ nHead, nHeadKv, eps: nodes.qNorm.attrs.eps, scale: 1 / nodes.scores.attrs.divisor },
        isWhole: joins ? 0 : 1,
      },
      leaves: joins ? ['tapSoftmax', 'tapAttention'] : [],
      grid: [width, undefined, 1],
    };
    if (!joins) return [own];
    return [
      own,
      {
        kernel: ATTENTION_JOIN,
        variant: joinVariant(way),
        bindings: { parts, step: STEP, y: folded, taps: TAPS },
        params: { nHead, headDim },
        grid: [Math.ceil(headDim / JOIN_LANES), nHead, 1],
      },
    ];
  },
});

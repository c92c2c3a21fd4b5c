import { shapeOf, type Node, type StateSlot, type Value } from '../../arch/graph';
import type { Covered, Cover, Mismatch } from '../cover';
import {
  STEP,
  CAPTURES,
  valuesOf,
  vectorOf,
  type Angles,
  type FusedDispatch,
  type Operand,
  type PlanFacts,
  type PlanState,
} from '../fusion';
import { attentionKernel, isJoined, joinVariant, MOST_SPLITS } from './attention-plan';
import { ATTENTION_JOIN } from './kernel';

/** Channels of the largest head: a lane a column of four. */
const MAX_HEAD_DIM = 256;
/** Lanes of a workgroup of attention_join.wgsl. */
const JOIN_LANES = 64;

/** What attention with and without norms of its heads have in common: keys kept, scores, softmax, values. */
export const ATTENDED = {
  scores: { op: 'attention-scores', inputs: ['queries'], reads: ['keys'] },
  probs: { op: 'softmax', inputs: ['scores'] },
  out: { op: 'attention-values', inputs: ['probs'], reads: ['v'] },
} as const satisfies Cover;

/** The captures that both have. */
export const ATTENDED_CAPTURES = {
  ...{ captureQRope: 'queries', captureKRope: 'keys' },
  ...{ captureScores: 'scores', captureSoftmax: 'probs', captureAttention: 'out' },
} as const;

/** Nodes of either cover. */
export interface Attending {
  readonly nodes: {
    readonly queries: Node<'rope'>;
    readonly keys: Node<'rope'>;
    readonly scores: Node<'attention-scores'>;
    readonly probs: Node<'softmax'>;
    readonly out: Node<'attention-values'>;
  };
  readonly value: Covered['value'];
}

/** (nTokens, heads, headDim) of queries and of keys. */
export function headsOf({ nodes: { queries, keys } }: Attending, { graph }: PlanFacts) {
  const [, nHead = 1, headDim = 1] = shapeOf(queries.out.axes, graph.sizes, { nTokens: 1, nKeys: 1 });
  const [, nHeadKv = 1, keyDim = 1] = shapeOf(keys.out.axes, graph.sizes, { nTokens: 1, nKeys: 1 });
  return { nHead, nHeadKv, headDim, keyDim };
}

/** The states of keys and of values. @throws RangeError where there is none: the cover has fitted */
export function statesOf({ nodes: { scores, out } }: Attending): {
  readonly keys: StateSlot;
  readonly values: StateSlot;
} {
  const [[keys], [values]] = [scores.reads, out.reads];
  if (keys === undefined || values === undefined) throw new RangeError(`${out.out.id} reads no state`);
  return { keys, values };
}

/** Why the kernels do not turn these heads, or do not attend with them. */
export function unfitHeads(covered: Attending, facts: PlanFacts): Omit<Mismatch, 'depth'> | undefined {
  const { queries, keys, probs, out } = covered.nodes;
  const { nHead, nHeadKv, headDim, keyDim } = headsOf(covered, facts);
  for (const node of [queries, keys]) {
    const { pairing, dims, theta } = node.attrs;
    if (pairing !== queries.attrs.pairing || dims !== headDim)
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
}

/** The rotary angles that the kernels are given. */
export function anglesOf({ nodes: { queries } }: Attending): readonly Angles[] {
  return [{ theta: queries.attrs.theta, headDim: queries.attrs.dims }];
}

/** The values of all heads before they are normed or turned, side by side, and the norms where there are any. */
export interface RawHeads {
  readonly raw: readonly [q: Value, k: Value, v: Value];
  readonly norms?: { readonly q: Node<'rmsnorm'>; readonly k: Node<'rmsnorm'> };
}

/** Attention, and where it is split, what joins its splits. */
export function attentionDispatches(
  covered: Attending,
  { raw, norms }: RawHeads,
  facts: PlanFacts,
  { method }: PlanState,
): readonly FusedDispatch[] {
  const { nodes } = covered;
  const heads = headsOf(covered, facts);
  const { nHead, nHeadKv, headDim } = heads;
  const joins = isJoined(method);
  const folded = valuesOf('folded', nodes.out.out);
  const parts: Operand = { kind: 'scratch', name: 'parts', words: MOST_SPLITS * nHead * (headDim + 2) };
  const { keys, values } = statesOf(covered);
  const { pairing } = nodes.queries.attrs;
  const { kernel, variant, width } = attentionKernel(heads, method, { isNormed: norms !== undefined, pairing });
  const qkv = valuesOf('rows', ...raw);
  const own: FusedDispatch = {
    kernel,
    variant,
    bindings: {
      qkv,
      step: STEP,
      // Without norms nothing is read of either.
      gainQ: norms === undefined ? qkv : vectorOf(norms.q),
      gainK: norms === undefined ? qkv : vectorOf(norms.k),
      keys: { kind: 'state', slot: keys },
      values: { kind: 'state', slot: values },
      y: joins ? parts : folded,
      captures: CAPTURES,
    },
    params: {
      ...{ nHead, nHeadKv, eps: norms?.q.attrs.eps ?? 0, scale: 1 / nodes.scores.attrs.divisor },
      isWhole: joins ? 0 : 1,
    },
    leaves: [...(norms === undefined ? NORM_CAPTURES : []), ...(joins ? ['captureSoftmax', 'captureAttention'] : [])],
    grid: [width, undefined, 1],
  };
  if (!joins) return [own];
  return [
    own,
    {
      kernel: ATTENTION_JOIN,
      variant: joinVariant(method),
      bindings: { parts, step: STEP, y: folded, captures: CAPTURES },
      params: { nHead, headDim },
      grid: [Math.ceil(headDim / JOIN_LANES), nHead, 1],
    },
  ];
}

const NORM_CAPTURES = ['captureQNorm', 'captureKNorm'];

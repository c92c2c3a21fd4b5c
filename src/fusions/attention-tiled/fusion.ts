import { shapeOf, type Node } from '../../arch/graph';
import type { KernelVariant } from '../../ops/kernel-spec';
import { fitCover } from '../cover';
import type { RowsFusion } from '../rows-fusion';
import { ATTENTION_TILED, tiledVariant } from './kernel';

const COVERS = {
  scores: { op: 'attention-scores', inputs: ['queries'], reads: ['keys'] },
  probs: { op: 'softmax', inputs: ['scores'] },
  out: { op: 'attention-values', inputs: ['probs'], reads: ['v'] },
} as const;

/** Scores, softmax and values in one kernel, with no scores stored. */
export interface TiledAttention {
  readonly fusion: 'attention-tiled';
  readonly nodes: readonly Node[];
  readonly scores: Node<'attention-scores'>;
  readonly softmax: Node<'softmax'>;
  readonly values: Node<'attention-values'>;
  readonly variant: KernelVariant;
  readonly nHead: number;
  readonly headsPerKv: number;
  readonly headDim: number;
}

export const attentionTiled: RowsFusion<TiledAttention> = {
  name: 'attention-tiled',
  covers: Object.values(COVERS).map(({ op }) => op),
  kernels: [ATTENTION_TILED],
  fit(section, at, { graph, tiles, sharesValues }) {
    const covered = fitCover(COVERS, ['out'], section, at);
    if ('reason' in covered) return covered;
    const { scores, probs: softmax, out: values } = covered.nodes;
    const nodes: readonly Node[] = [scores, softmax, values];
    const no = (node: Node, reason: string) => ({ node, reason, depth: nodes.length });
    for (const node of [softmax, values]) {
      if (node.attrs.mask !== 'causal') return no(node, `its mask is ${node.attrs.mask}`);
    }
    const heads = (name: string) => shapeOf(covered.value(name).axes, graph.sizes, { nTokens: 1, nKeys: 1 }).slice(1);
    const [[nHead = 0, headDim = 0], [nHeadKv = 1, keyDim], [valueHeads, valueDim]] = ['queries', 'keys', 'v'].map(
      heads,
    ) as [number[], number[], number[]];
    const variant = tiledVariant(headDim);
    if (variant === undefined) return no(scores, `it takes no heads of ${headDim}`);
    if (keyDim !== headDim || valueDim !== headDim || valueHeads !== nHeadKv || nHead % nHeadKv !== 0)
      return no(values, 'heads of queries, keys and values do not fit each other');
    if (!tiles) return no(scores, 'its scores are kept: a stage is replaced, or the adapter is slow at it');
    if (sharesValues(nHead * headDim)) return no(values, 'each of its sums is shared among lanes, in another order');
    const headsPerKv = nHead / nHeadKv;
    return { fusion: 'attention-tiled', nodes, scores, softmax, values, variant, nHead, headsPerKv, headDim };
  },
};

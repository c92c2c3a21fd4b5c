import { type BlockDims, chosenExperts, denseBlock, routed, type Router, sharedExpert } from './blocks';
import type { GraphBuilder } from './builder';
import type { Value } from './graph';
import { choice, hasTensor, optionalReal, optionalSize, size, type Contradict } from './keys';

/*
 * What GLM-4.5 and DeepSeek have in common: dense layers first, then layers whose router has a bias for its choice and a scale for its shares,
 * beside an expert that every token goes through; layers of multi-token prediction behind them, which do not run.
 */

/** The functions of a router, by llama.cpp's `expert_gating_func`. */
export const SOFTMAX = 1;
export const SIGMOID = 2;

const NO = 0;
const YES = 1;

/** Their keys, after those of all experts. */
export const PARTLY_DENSE_KEYS = {
  nShared: size('expert_shared_count'),
  nDense: optionalSize('leading_dense_block_count', 0),
  nNextn: optionalSize('nextn_predict_layers', 0),
  shareScale: optionalReal('expert_weights_scale', 1),
  isNormalised: choice('expert_weights_norm', { false: NO, true: YES }, 'false'),
  hasRouterBias: hasTensor('exp_probs_b.bias'),
} as const;

type Keys = { readonly [K in keyof typeof PARTLY_DENSE_KEYS]: number } & {
  readonly nLayer: number;
  readonly nFf: number;
  readonly nFfExp: number;
};

/** Sizes that follow from them: the layers that run, and the shared expert's hidden size. */
export function partlyDenseSizes<K extends Keys>(k: K, contradict: Contradict): K & { readonly nFfShexp: number } {
  const nLayer = k.nLayer - k.nNextn;
  if (nLayer < 1) contradict(`Of ${k.nLayer} layers ${k.nNextn} do not run.`, 'nNextn', `fewer than ${k.nLayer}`);
  if (k.nDense > 0 && k.nFf < 1) contradict('Dense layers have no hidden size.', 'nFf', 'at least 1');
  return { ...k, nLayer, nFfShexp: k.nFfExp * k.nShared };
}

/** What a feed-forward block is given. */
interface FeedForward {
  /** The normed residual stream: (nTokens, nEmbd). */
  readonly x: Value;
  readonly layer: number;
  /** Of the shared expert's output. */
  readonly sharedId: string;
  readonly within?: Router['within'];
}

/** What a layer adds to its residual stream behind the norm: (nTokens, nEmbd). */
export function feedForward(
  g: GraphBuilder<BlockDims | 'nFf' | 'nFfShexp'>,
  s: Pick<Keys, 'nDense' | 'shareScale' | 'isNormalised' | 'hasRouterBias'> & { readonly gating: number },
  { x, layer, sharedId, within }: FeedForward,
): Value {
  if (layer < s.nDense) return denseBlock(g, x);
  const routing = routed(g, x, {
    gating: s.gating === SIGMOID ? 'sigmoid' : 'softmax',
    hasBias: s.hasRouterBias === YES,
    divisor: s.isNormalised === YES ? 'sum' : 'one',
    scale: s.shareScale,
    within,
  });
  const experts = chosenExperts(g, x, routing);
  return g.add('ffn_out', experts, sharedExpert(g, x, sharedId));
}

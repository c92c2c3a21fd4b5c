import { attention, denseBlock, embedding, inHeads, logits, preNormLayer, projections, softmaxExperts } from './blocks';
import { defineArch } from './define-arch';
import { hasTensor, optionalSize } from './keys';
import { denseSizes, MOE_KEYS, moeSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

/**
 * Llama, dense or with experts: Llama 2, Llama 3, Mistral; Mixtral-8x7B, Mixtral-8x22B. llama.cpp: src/models/llama.cpp. Rotary pairs are
 * neighbours (converters permute the rows of queries and keys for it), Llama 3 divides their frequencies by a tensor, there are no norms of
 * queries and keys, and an expert is as large as the feed-forward block.
 */
export const llama = defineArch({
  name: 'llama',
  title: 'Llama',
  example: 'Llama-3.1-8B or Mixtral-8x7B',
  keys: {
    ...MOE_KEYS,
    nExpert: optionalSize('expert_count', 0),
    nExpertUsed: optionalSize('expert_used_count', 0),
    nFfExp: optionalSize('expert_feed_forward_length', 'nFf'),
    hasRopeFactors: hasTensor('rope_freqs.weight'),
  },
  sample: { nLayer: 1, nExpert: 8, hasRopeFactors: 1 },
  sizes: (k, contradict) => ({
    ...(k.nExpert === 0 ? denseSizes(k, contradict, 'all') : moeSizes(k, contradict, 'all')),
    nPair: k.nRot / 2,
  }),

  embed: embedding,

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const factors = s.hasRopeFactors === 1 ? g.weight('rope_freqs', ['nPair']) : undefined;
    const rope = { theta, dims, pairing: 'norm', scaling: ropeScaling(s), factors } as const;
    return preNormLayer(g, x, eps, {
      mix: (h) => attention(g, inHeads(g, projections(g, h)), { rope, divisor: Math.sqrt(s.headDim) }),
      feedForward: (f) => (s.nExpert === 0 ? denseBlock(g, f) : softmaxExperts(g, f, 'sum')),
    });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
});

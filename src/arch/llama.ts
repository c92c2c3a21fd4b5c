import { attention, embedding, layerOutput, logits, projections, softmaxExperts } from './blocks';
import { defineArch } from './define-arch';
import { optionalSize } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

/**
 * Llama with experts: Mixtral-8x7B, Mixtral-8x22B. llama.cpp: src/models/llama.cpp. Rotary pairs are neighbours (converters permute the rows
 * of queries and keys for it), there are no norms of queries and keys, and an expert is as large as the feed-forward block.
 */
export const llama = defineArch({
  name: 'llama',
  title: 'Llama with experts',
  example: 'Mixtral-8x7B',
  keys: { ...MOE_KEYS, nFfExp: optionalSize('expert_feed_forward_length', 'nFf') },
  sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

  embed: embedding,

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const rope = { theta, dims, pairing: 'norm', scaling: ropeScaling(s) } as const;

    const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
    const { q, k, v } = projections(g, h);
    const heads = { q: g.view(q, 'nHead', 'headDim'), k: g.view(k, 'nHeadKv', 'headDim'), v };
    const mid = g.add('post_attn_residual', x, attention(g, heads, { rope, divisor: Math.sqrt(s.headDim) }), {
      ggml: 'ffn_inp',
    });

    const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
    return layerOutput(g, mid, softmaxExperts(g, f, 'sum'));
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
});

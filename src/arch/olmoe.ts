import { attention, embedding, layerOutput, logits, projections, rowNorms, softmaxExperts } from './blocks';
import { defineArch } from './define-arch';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { optionalSize } from './keys';
import { ignored } from './other-keys';
import { ropeScaling } from './rope-scaling';

/** OLMoE: OLMoE-1B-7B. llama.cpp: src/models/olmoe.cpp. Queries and keys are normed over all heads, and the experts' weights stay as they are. */
export const olmoe = defineArch({
  name: 'olmoe',
  title: 'OLMoE',
  example: 'OLMoE-1B-7B',
  keys: { ...MOE_KEYS, nFfExp: optionalSize('expert_feed_forward_length', 'nFf') },
  otherKeys: [
    ignored('expert_weights_norm', "renormalised experts' weights", false),
    ignored('norm_top_k_prob', "renormalised experts' weights", false),
  ],
  sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

  embed: embedding,

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;

    const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
    const heads = rowNorms(g, projections(g, h), eps);
    const out = attention(g, heads, { rope, divisor: Math.sqrt(s.headDim) });
    const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

    const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
    return layerOutput(g, mid, softmaxExperts(g, f, 'one'));
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

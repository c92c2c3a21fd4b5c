import { attention, embedding, logits, preNormLayer, projections, rowNorms, softmaxExperts } from './blocks';
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
    return preNormLayer(g, x, eps, {
      mix: (h) => attention(g, rowNorms(g, projections(g, h), eps), { rope, divisor: Math.sqrt(s.headDim) }),
      feedForward: (f) => softmaxExperts(g, f, 'one'),
    });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

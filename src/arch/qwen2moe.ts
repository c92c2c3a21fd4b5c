import {
  attention,
  embedding,
  inHeads,
  logits,
  preNormLayer,
  projections,
  softmaxExperts,
  withSharedExpert,
} from './blocks';
import { defineArch } from './define-arch';
import { optionalSize } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { ignored } from './other-keys';
import { ropeScaling } from './rope-scaling';

/**
 * Qwen2-MoE: Qwen1.5-MoE-A2.7B, Qwen2-57B-A14B. llama.cpp: src/models/qwen2moe.cpp. Queries, keys and values have biases and no norms, the
 * experts' weights stay as they are, and an expert with a gate of its own is shared by all tokens.
 */
export const qwen2moe = defineArch({
  name: 'qwen2moe',
  title: 'Qwen2-MoE',
  example: 'Qwen2-57B-A14B',
  keys: { ...MOE_KEYS, nFfShexp: optionalSize('expert_shared_feed_forward_length', 'nFf') },
  otherKeys: [
    ignored('expert_weights_norm', "renormalised experts' weights", false),
    ignored('norm_top_k_prob', "renormalised experts' weights", false),
  ],
  sizes(k, contradict) {
    if (k.nFfShexp < 1) contradict('The shared expert has no hidden size.', 'nFfShexp', 'at least 1');
    return { ...moeSizes(k, contradict, 'all'), nGate: 1 };
  },

  embed: embedding,

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;
    return preNormLayer(g, x, eps, {
      mix: (h) => attention(g, inHeads(g, projections(g, h, 'required')), { rope, divisor: Math.sqrt(s.headDim) }),
      feedForward: (f) => withSharedExpert(g, f, softmaxExperts(g, f, 'one')),
    });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

import { attention, embedding, layerOutput, logits, projections, softmaxExperts } from './blocks';
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
    const raw = projections(g, h);
    const q = g.rmsnorm('q_norm', raw.q, g.weight('attn_q_norm', ['qDim']), {
      eps,
      ggml: 'Qcur_normed',
      split: ['nHead', 'headDim'],
    });
    const k = g.rmsnorm('k_norm', raw.k, g.weight('attn_k_norm', ['kvDim']), {
      eps,
      ggml: 'Kcur_normed',
      split: ['nHeadKv', 'headDim'],
    });
    const out = attention(g, { q, k, v: raw.v }, { rope, divisor: Math.sqrt(s.headDim) });
    const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

    const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
    return layerOutput(g, mid, softmaxExperts(g, f, 'one'));
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

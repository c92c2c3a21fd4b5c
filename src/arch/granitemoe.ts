import { attention, inHeads, logits, preNormLayer, projections, softmaxExperts, tokenRows } from './blocks';
import { defineArch } from './define-arch';
import { optionalReal, optionalSize, real } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

/**
 * Granite-MoE: Granite-3.0-1B-A400M, Granite-3.1-3B-A800M. llama.cpp: src/models/granite.cpp. Embeddings, both branches of the residual stream,
 * scores and logits have scales of their own; rotary pairs are neighbours.
 */
export const granitemoe = defineArch({
  name: 'granitemoe',
  title: 'Granite-MoE',
  example: 'Granite-3.1-3B-A800M',
  keys: {
    ...MOE_KEYS,
    nFfExp: optionalSize('expert_feed_forward_length', 'nFf'),
    embeddingScale: optionalReal('embedding_scale', 1),
    residualScale: optionalReal('residual_scale', 1),
    attentionScale: optionalReal('attention.scale', ({ headDim = NaN }) => 1 / Math.sqrt(headDim)),
    logitScale: real('logit_scale'),
  },
  sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

  embed: (g, { embeddingScale: factor }) =>
    g.scale('embedding', tokenRows(g, { id: 'embedding_rows', ggml: '' }), { factor, ggml: 'inp_embd' }),

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims, residualScale: factor } = s;
    const rope = { theta, dims, pairing: 'norm', scaling: ropeScaling(s) } as const;
    return preNormLayer(g, x, eps, {
      mix(h) {
        const out = attention(g, inHeads(g, projections(g, h)), { rope, divisor: 1 / s.attentionScale });
        return g.scale('attn_out_scaled', out, { factor, ggml: '' });
      },
      feedForward: (f) => g.scale('ffn_out_scaled', softmaxExperts(g, f, 'sum'), { factor, ggml: '' }),
    });
  },

  head(g, { rmsEps, logitScale }, x) {
    const unscaled = logits(g, x, rmsEps, true, { id: 'lm_head_unscaled', ggml: '' });
    return g.scale('lm_head', unscaled, { factor: 1 / logitScale, ggml: 'result_output' });
  },
});

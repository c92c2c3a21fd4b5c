import { attention, embedding, headNorms, inHeads, logits, preNormLayer, projections } from './blocks';
import type { Value } from './graph';
import { defineArch } from './define-arch';
import { choice, hasTensor, size } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { refused } from './other-keys';
import { feedForward, PARTLY_DENSE_KEYS, partlyDenseSizes, SIGMOID, SOFTMAX } from './partly-dense';
import { ropeScaling } from './rope-scaling';

/**
 * GLM-4.5: GLM-4.5, GLM-4.5-Air, GLM-4.6. llama.cpp: src/models/glm4-moe.cpp. Queries, keys and values have biases, in larger models norms too,
 * and half of a head turns.
 */
export const glm4moe = defineArch({
  name: 'glm4moe',
  title: 'GLM-4.5',
  example: 'GLM-4.5-Air',
  keys: {
    ...MOE_KEYS,
    nFfExp: size('expert_feed_forward_length'),
    ...PARTLY_DENSE_KEYS,
    gating: choice('expert_gating_func', { 0: SIGMOID, 1: SOFTMAX, 2: SIGMOID }, '2'),
    hasQkNorm: hasTensor('attn_q_norm.weight'),
  },
  otherKeys: [refused('rope.dimension_sections', 'rotary sections of pictures')],
  sample: {
    nLayer: 2,
    nDense: 1,
    nShared: 1,
    shareScale: 1.5,
    isNormalised: 1,
    hasRouterBias: 1,
    hasQkNorm: 1,
    nNextn: 0,
  },
  sizes: (k, contradict) => partlyDenseSizes(moeSizes(k, contradict, 'some'), contradict),

  embed: embedding,

  layer(g, s, x, layer) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;
    const mix = (h: Value): Value => {
      const heads = inHeads(g, projections(g, h, 'required'));
      const normed = s.hasQkNorm === 1 ? headNorms(g, heads, eps) : heads;
      return attention(g, normed, { rope, divisor: Math.sqrt(s.headDim) });
    };
    const norm = { role: 'post_attention_norm', ggml: 'post_attn_norm' };
    const halves = { mix, feedForward: (x: Value) => feedForward(g, s, { x, layer, sharedId: 'ffn_shexp_out' }) };
    return preNormLayer(g, x, eps, halves, { mid: 'ffn_inp', norm });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
});

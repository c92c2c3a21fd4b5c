import { attention, chosenExperts, embedding, logits, preNormLayer, projections, routed, rowNorms } from './blocks';
import { defineArch } from './define-arch';
import { choice, size } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { neutral } from './other-keys';
import { SIGMOID, SOFTMAX } from './partly-dense';
import { ropeScaling } from './rope-scaling';

/**
 * MiniMax-M2: MiniMax-M2, MiniMax-M2.1. llama.cpp: src/models/minimax-m2.cpp. Queries and keys are normed over all heads, half of a head turns,
 * and experts are chosen by sigmoids with a bias.
 */
export const minimaxM2 = defineArch({
  name: 'minimax-m2',
  title: 'MiniMax-M2',
  example: 'MiniMax-M2',
  keys: {
    ...MOE_KEYS,
    nFfExp: size('feed_forward_length'),
    gating: { ...choice('expert_gating_func', { 1: SOFTMAX, 2: SIGMOID }, '2'), otherwise: undefined },
  },
  otherKeys: [neutral('expert_feed_forward_length')],
  sample: { nLayer: 1, gating: SIGMOID },
  sizes: (k, contradict) => moeSizes(k, contradict, 'some'),

  embed: embedding,

  layer(g, s, x) {
    const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
    const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;
    const gating = s.gating === SIGMOID ? 'sigmoid' : 'softmax';
    return preNormLayer(g, x, eps, {
      mix: (h) => attention(g, rowNorms(g, projections(g, h), eps), { rope, divisor: Math.sqrt(s.headDim) }),
      feedForward: (f) => chosenExperts(g, f, routed(g, f, { gating, hasBias: true, divisor: 'sum' })),
    });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

import { attention, chosenExperts, embedding, layerOutput, logits, projections, rowNorms, routed } from './blocks';
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

    const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
    const heads = rowNorms(g, projections(g, h), eps);
    const out = attention(g, heads, { rope, divisor: Math.sqrt(s.headDim) });
    const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

    const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
    const gating = s.gating === SIGMOID ? 'sigmoid' : 'softmax';
    const routing = routed(g, f, { gating, hasBias: true, divisor: 'sum' });
    return layerOutput(g, mid, chosenExperts(g, f, routing));
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

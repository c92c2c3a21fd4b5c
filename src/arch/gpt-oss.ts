import { attention, chosenExperts, embedding, inHeads, logits, preNormLayer, projections } from './blocks';
import type { Value } from './graph';
import { defineArch } from './define-arch';
import { isFirstKind, optionalReal, period, size } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

/** SwiGLU of gpt-oss, as ggml has it in f32. llama.cpp: `LLM_FFN_SWIGLU_OAI_MOE`. */
const SWIGLU = { alpha: Math.fround(1.702), limit: 7 } as const;

/**
 * gpt-oss: gpt-oss-20b, gpt-oss-120b. llama.cpp: src/models/openai-moe.cpp. Every product has a bias, every head a sink, every other layer a
 * window, and the softmax of the router runs over the chosen experts' logits.
 */
export const gptOss = defineArch({
  name: 'gpt-oss',
  title: 'gpt-oss',
  example: 'gpt-oss-20b',
  keys: {
    ...MOE_KEYS,
    nFfExp: size('expert_feed_forward_length'),
    window: size('attention.sliding_window'),
    windowPeriod: period('attention.sliding_window_pattern', 2),
    ropeThetaWindow: optionalReal('rope.freq_base_swa', 'ropeTheta'),
  },
  sample: { nLayer: 2, window: 128 },
  sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

  embed: embedding,

  layer(g, s, x, l) {
    const { rmsEps: eps, nRot: dims } = s;
    const isWindowed = isFirstKind(l, s.windowPeriod);
    const theta = isWindowed ? s.ropeThetaWindow : s.ropeTheta;
    const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;
    const window = isWindowed ? s.window : undefined;
    const bias = 'required';
    const attends = { rope, divisor: Math.sqrt(s.headDim), window, hasSinks: true, bias } as const;

    const feedForward = (f: Value): Value => {
      const router = g.weight('ffn_gate_inp', ['nEmbd', 'nExpert'], { bias });
      // As llama.cpp has it: what experts are chosen by is called probabilities, and no softmax has made it.
      const ranked = g.linear('moe_router_probs', f, router, { ggml: 'ffn_moe_probs' });
      const chosen = g.topK('moe_router_indices', ranked, 'nExpertUsed', { ggml: 'ffn_moe_topk' });
      const picked = g.normalise('moe_router_chosen', ranked, chosen, { divisor: 'one', ggml: 'ffn_moe_weights' });
      const share = g.softmax('moe_router', picked, { ggml: 'ffn_moe_weights_softmax', headline: true });
      return chosenExperts(g, f, { chosen, share }, { bias, activation: SWIGLU });
    };
    const halves = { mix: (h: Value) => attention(g, inHeads(g, projections(g, h, bias)), attends), feedForward };
    const norm = { role: 'post_attention_norm', ggml: 'attn_post_norm' };
    return preNormLayer(g, x, eps, halves, { mid: 'ffn_inp', norm });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, false),
});

import { checkExperts, checkHeads } from './checks';
import { defineArch } from './define-arch';
import { real, size } from './keys';

/** OLMoE: OLMoE-1B-7B. llama.cpp: src/models/olmoe.cpp. Queries and keys are normed over all heads, and the experts' weights stay as they are. */
export const olmoe = defineArch({
  name: 'olmoe',
  title: 'OLMoE',
  example: 'OLMoE-1B-7B',
  keys: {
    nEmbd: size('embedding_length'),
    nHead: size('attention.head_count'),
    nHeadKv: size('attention.head_count_kv', 'nHead'),
    headDim: size('attention.key_length', ({ nEmbd = NaN, nHead = NaN }) => nEmbd / nHead),
    valueDim: size('attention.value_length', 'headDim'),
    nExpert: size('expert_count'),
    nExpertUsed: size('expert_used_count'),
    nLayer: size('block_count'),
    nFfExp: size('feed_forward_length'),
    nCtxTrain: size('context_length', 0),
    rmsEps: real('attention.layer_norm_rms_epsilon'),
    ropeTheta: real('rope.freq_base', 10_000),
  },
  sizes(k, contradict) {
    checkHeads(k, contradict);
    checkExperts(k, contradict);
    return { ...k, qDim: k.nHead * k.headDim, kvDim: k.nHeadKv * k.headDim };
  },

  embed: (g) => g.rows('embedding', g.weight('token_embd', ['nEmbd', 'nVocab']), { ggml: 'inp_embd' }),

  layer(g, { rmsEps: eps, ropeTheta: theta, headDim }, x) {
    const rope = { theta, dims: headDim, pairing: 'neox' } as const;

    const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
    const qRaw = g.linear('q_proj', h, g.weight('attn_q', ['nEmbd', 'qDim']), { ggml: 'Qcur_proj' });
    const kRaw = g.linear('k_proj', h, g.weight('attn_k', ['nEmbd', 'kvDim']), { ggml: 'Kcur_proj' });
    const vRaw = g.linear('v_proj', h, g.weight('attn_v', ['nEmbd', 'kvDim']), { ggml: 'Vcur' });
    const q = g.rmsnorm('q_norm', qRaw, g.weight('attn_q_norm', ['qDim']), {
      eps,
      ggml: 'Qcur_normed',
      split: ['nHead', 'headDim'],
    });
    const k = g.rmsnorm('k_norm', kRaw, g.weight('attn_k_norm', ['kvDim']), {
      eps,
      ggml: 'Kcur_normed',
      split: ['nHeadKv', 'headDim'],
    });
    const queries = g.rope('q_post_rope', q, { ...rope, ggml: 'Qcur' });
    const keys = g.cached('keys', g.rope('k_post_rope', k, { ...rope, ggml: 'Kcur' }));
    const values = g.cached('values', g.view(vRaw, 'nHeadKv', 'headDim'));
    const scores = g.scores('attn_scores', queries, keys, { divisor: Math.sqrt(headDim), ggml: 'kq' });
    const p = g.softmax('attn_softmax', scores, { mask: 'causal', ggml: 'kq_soft_max' });
    const a = g.values('attention', p, values, 'qDim', { ggml: 'kqv_out' });
    const out = g.linear('attn_out', a, g.weight('attn_output', ['qDim', 'nEmbd']));
    const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

    const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
    const logits = g.linear('moe_router_logits', f, g.weight('ffn_gate_inp', ['nEmbd', 'nExpert']), {
      ggml: 'ffn_moe_logits',
    });
    const probs = g.softmax('moe_router_probs', logits, { ggml: 'ffn_moe_probs' });
    const chosen = g.topK('moe_router_indices', probs, 'nExpertUsed', { ggml: 'ffn_moe_topk' });
    const share = g.normalise('moe_router', probs, chosen, { divisor: 'one', ggml: 'ffn_moe_weights', headline: true });
    const gate = g.expertLinear(
      'moe_expert_gate',
      f,
      chosen,
      g.weight('ffn_gate_exps', ['nEmbd', 'nFfExp', 'nExpert']),
      { ggml: 'ffn_moe_gate' },
    );
    const up = g.expertLinear('moe_expert_up', f, chosen, g.weight('ffn_up_exps', ['nEmbd', 'nFfExp', 'nExpert']), {
      ggml: 'ffn_moe_up',
    });
    const hidden = g.swiglu('moe_expert_swigl', gate, up, { ggml: 'ffn_moe_swiglu', aliases: ['moe_expert_swiglu'] });
    const y = g.expertLinear(
      'moe_expert_out',
      hidden,
      chosen,
      g.weight('ffn_down_exps', ['nFfExp', 'nEmbd', 'nExpert']),
      { ggml: 'ffn_moe_down' },
    );
    const sum = g.weightedSum('moe_ffn_out', share, y, { ggml: 'ffn_moe_out', headline: true });
    return g.add('post_ffn_residual', mid, sum, { ggml: 'l_out', title: 'LayerOutput', aliases: ['layer_output'] });
  },

  head(g, { rmsEps: eps }, x) {
    const h = g.rmsnorm('final_norm', x, g.weight('output_norm', ['nEmbd']), { eps, ggml: 'result_norm' });
    return g.linear('lm_head', h, g.weight('output', ['nEmbd', 'nVocab']), { ggml: 'result_output' });
  },
});

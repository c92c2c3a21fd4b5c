import { embedding, logits, preNormLayer } from './blocks';
import type { GraphBuilder } from './builder';
import { checkExperts, checkGroups, checkLatentHeads } from './checks';
import { defineArch, type KeySizes } from './define-arch';
import type { Value } from './graph';
import { choice, optionalReal, optionalSize, size, type Contradict } from './keys';
import { MOE_KEYS } from './moe-keys';
import { neutral, refused } from './other-keys';
import { feedForward, PARTLY_DENSE_KEYS, partlyDenseSizes, SIGMOID, SOFTMAX } from './partly-dense';
import { ropeScaling } from './rope-scaling';

/** A file does not say what its router's function is. */
const UNSAID = 0;

const KEYS = {
  ...MOE_KEYS,
  nFfExp: size('expert_feed_forward_length'),
  ...PARTLY_DENSE_KEYS,
  gating: choice('expert_gating_func', { 0: UNSAID, 1: SOFTMAX, 2: SIGMOID }, '0'),
  nGroup: optionalSize('expert_group_count', 1),
  nGroupUsed: optionalSize('expert_group_used_count', 'nGroup'),
  qRank: optionalSize('attention.q_lora_rank', 0),
  kvRank: size('attention.kv_lora_rank'),
  keyDim: optionalSize('attention.key_length_mla', 0),
  outDim: optionalSize('attention.value_length_mla', 0),
  nRot: size('rope.dimension_count'),
  yarnLog: optionalReal('rope.scaling.yarn_log_multiplier', 0),
} as const;

type Sizes = ReturnType<typeof sizesOf>;
type Builder = GraphBuilder<keyof Sizes>;

/**
 * DeepSeek-V2, -V3 and -R1, Kimi-K2. llama.cpp: src/models/deepseek2.cpp. Keys and values of all heads are made of one short vector a token
 * (multi-head latent attention), which is all that is kept: what would make keys of it is absorbed into the queries, what makes values of it
 * comes behind attention, so that every head reads the same key. Experts are chosen within groups.
 */
export const deepseek2 = defineArch({
  name: 'deepseek2',
  title: 'DeepSeek-V2/V3',
  example: 'DeepSeek-V2-Lite',
  keys: KEYS,
  otherKeys: [
    refused('attention.temperature_scale', 'queries scaled by position', 0),
    neutral('attention.temperature_length'),
  ],
  sample: {
    ...{ nLayer: 2, nDense: 1, nShared: 1, gating: SIGMOID, hasRouterBias: 1, shareScale: 2.5, isNormalised: 1 },
    ...{ nGroup: 2, nGroupUsed: 1, qRank: 64, nNextn: 0 },
  },
  sizes: sizesOf,

  embed: embedding,

  layer(g, s, x, layer) {
    const within = s.nGroup > 1 ? (ranked: Value) => groupsOf(g, s, ranked) : undefined;
    return preNormLayer(g, x, s.rmsEps, {
      mix: (h) => latentAttention(g, s, h),
      feedForward: (f) => feedForward(g, s, { x: f, layer, sharedId: 'ffn_shexp', within }),
    });
  },

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
});

function sizesOf(k: KeySizes<typeof KEYS>, contradict: Contradict) {
  checkLatentHeads(k, contradict);
  checkExperts(k, contradict);
  checkGroups(k, contradict);
  const { nHead, headDim, keyDim, outDim, kvRank, nRot } = k;
  // GLM-4.7-Flash, whose files do not say it: llama.cpp knows it by its sizes.
  const isGlm = (k.nLayer === 47 || k.nLayer === 48) && k.nVocab === 154_880;
  const gating = k.gating === UNSAID ? (isGlm ? SIGMOID : SOFTMAX) : k.gating;
  return {
    ...partlyDenseSizes(k, contradict),
    gating,
    qDim: nHead * headDim,
    kvDim: headDim,
    nopeDim: keyDim - nRot,
    qMlaDim: nHead * keyDim,
    kvPeDim: kvRank + nRot,
    latentDim: nHead * kvRank,
    headsDim: nHead * outDim,
  };
}

/**
 * YaRN as llama.cpp has it for this architecture: what it lengthens cosine and sine by goes into the scores instead, where the file gives a
 * factor of its own for them. @returns the scaling of rotations, and what scores are divided by
 */
function scalingOf(s: Sizes) {
  const scaling = ropeScaling(s);
  const grown = 1 + 0.1 * Math.log(scaling?.factor ?? 1);
  const isInScores = scaling?.kind === 'yarn' && s.yarnLog !== 0;
  const attnFactor = scaling?.attnFactor ?? 1;
  // What the key holds is 0.1 times the model's mscale_all_dim.
  const magnitude = (isInScores ? 1 : grown) * attnFactor * (1 + s.yarnLog * Math.log(scaling?.factor ?? 1));
  return {
    scaling: isInScores ? { ...scaling, attnFactor: attnFactor / grown } : scaling,
    divisor: Math.sqrt(s.keyDim) / magnitude ** 2,
  };
}

/** Multi-head latent attention and its output projection: (nTokens, nEmbd). */
function latentAttention(g: Builder, s: Sizes, h: Value): Value {
  const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
  const { scaling, divisor } = scalingOf(s);
  const rope = { theta, dims, pairing: 'norm', scaling } as const;
  const unnamed = { ggml: '' };

  const q = g.view(queries(g, s, h), 'nHead', 'keyDim');
  const both = g.linear('kv_cmpr_pe', h, g.weight('attn_kv_a_mqa', ['nEmbd', 'kvPeDim']));
  const kPe = g.view(g.slice('k_pe_proj', both, 'nRot', s.kvRank), 'nHeadKv', 'nRot');
  const turnedK = g.rope('k_pe', kPe, rope);
  const latent = g.slice('kv_cmpr_proj', both, 'kvRank', 0, unnamed);
  const kv = g.rmsnorm('kv_cmpr', latent, g.weight('attn_kv_a_norm', ['kvRank']), { eps });

  const plain = g.slice('q_nope', q, 'nopeDim', 0);
  const turnedQ = g.rope('q_pe', g.slice('q_pe_proj', q, 'nRot', s.nopeDim, unnamed), rope);
  const absorbed = g.headLinear('q_nope_absorbed', plain, g.weight('attn_k_b', ['nopeDim', 'kvRank', 'nHead']), {
    ggml: 'q_nope_absorbed_perm',
  });
  const ofHead = g.view(kv, 'nHeadKv', 'kvRank');
  const query = g.concat('q_mla', absorbed, turnedQ, 'headDim', { ggml: 'Qcur' });
  const keys = g.cached('keys', g.concat('k_mla', ofHead, turnedK, 'headDim', { ggml: 'Kcur' }));
  const values = g.cached('values', g.slice('v_mla', ofHead, 'kvRank', 0, { ggml: 'Vcur' }));

  const scores = g.scores('attn_scores', query, keys, { divisor, ggml: 'kq' });
  const p = g.softmax('attn_softmax', scores, { mask: 'causal', ggml: 'kq_soft_max' });
  const read = g.view(g.values('kqv', p, values, 'latentDim'), 'nHead', 'kvRank');
  const out = g.headLinear('attention', read, g.weight('attn_v_b', ['kvRank', 'outDim', 'nHead']), { ggml: 'kqv_out' });
  const output = g.weight('attn_output', ['headsDim', 'nEmbd'], { scaled: true, bias: 'optional' });
  return g.linear('attn_out', g.joined(out, 'headsDim'), output);
}

/** Queries of all heads, (nTokens, qMlaDim): by one matrix, or by two with a norm between them. */
function queries(g: Builder, s: Sizes, h: Value): Value {
  if (s.qRank === 0) return g.linear('q_mla_proj', h, g.weight('attn_q', ['nEmbd', 'qMlaDim']), { ggml: 'q' });
  const a = g.linear('q_a', h, g.weight('attn_q_a', ['nEmbd', 'qRank']));
  const normed = g.rmsnorm('q_a_norm', a, g.weight('attn_q_a_norm', ['qRank']), { eps: s.rmsEps });
  return g.linear('q_mla_proj', normed, g.weight('attn_q_b', ['qRank', 'qMlaDim']), { ggml: 'q' });
}

/** The groups whose two best experts are the best: (nTokens, nGroupUsed). */
function groupsOf(g: Builder, { nGroup: groups }: Sizes, ranked: Value) {
  const scores = g.groupScores('moe_group_scores', ranked, 'nGroup', { ggml: '' });
  const chosen = g.topK('moe_group_indices', scores, 'nGroupUsed', { ggml: 'ffn_moe_group_topk' });
  return { chosen, groups };
}

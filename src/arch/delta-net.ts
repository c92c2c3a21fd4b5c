import { embedding, gatedAttention, logits, preNormLayer, softmaxExperts, withSharedExpert } from './blocks';
import type { GraphBuilder } from './builder';
import { checkDeltaHeads } from './checks';
import type { ArchSpec, KeySizes } from './define-arch';
import type { Value, WeightSlot } from './graph';
import { isFirstKind, optionalSize, period, size, type Contradict } from './keys';
import { MOE_KEYS, moeSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

/*
 * Gated delta net, in llama.cpp's words: linear attention whose memory of the past is one matrix a head. Yang, Kautz and Hatamizadeh, Gated
 * Delta Networks (2024). Qwen3-Next and Qwen3.5 have it in most of their layers, and attention with a gate in the others.
 */

/** Of so many layers one has attention, in a file that does not say: what llama.cpp takes. */
const USUAL_PERIOD = 4;

/** The keys of a model with gated delta nets. */
export const DELTA_KEYS = {
  ...MOE_KEYS,
  nNextn: optionalSize('nextn_predict_layers', 0),
  nFfShexp: optionalSize('expert_shared_feed_forward_length', 'nFf'),
  nConv: size('ssm.conv_kernel'),
  dInner: size('ssm.inner_size'),
  dState: size('ssm.state_size'),
  nHeadV: size('ssm.time_step_rank'),
  nHeadK: size('ssm.group_count'),
  attnInterval: size('full_attention_interval', USUAL_PERIOD),
  attnPeriod: period('attention.recurrent_layers', 'attnInterval'),
} as const;

export type DeltaSizes = ReturnType<typeof deltaSizes>;

/** Sizes that follow from {@link DELTA_KEYS}. */
export function deltaSizes(k: KeySizes<typeof DELTA_KEYS>, contradict: Contradict) {
  if (k.nFfShexp < 1) contradict('The shared expert has no hidden size.', 'nFfShexp', 'at least 1');
  if (k.nNextn >= k.nLayer) contradict('No layer is left to run.', 'nNextn', `below ${k.nLayer}`);
  checkDeltaHeads(k, contradict);
  const keyDim = k.nHeadK * k.dState;
  return {
    ...moeSizes(k, contradict, 'some'),
    // Layers of multi-token prediction come last and do not run.
    nLayer: k.nLayer - k.nNextn,
    keyDim,
    convDim: 2 * keyDim + k.dInner,
    /** Queries and their gates. */
    qGateDim: 2 * k.nHead * k.headDim,
    headPair: 2 * k.headDim,
    /** Heads of values that share one of keys. */
    nHeadGroup: k.nHeadV / k.nHeadK,
    headGroupPair: (2 * k.nHeadV) / k.nHeadK,
    nBetaAlpha: 2 * k.nHeadV,
    nGate: 1,
  };
}

type DeltaDims = keyof DeltaSizes;
type Builder = GraphBuilder<DeltaDims>;

/** What differs between the architectures that have gated delta nets. */
export interface DeltaKind {
  /** Values for each head of v, (nTokens, nHeadV): what becomes the decay, and what becomes beta. */
  alphaBeta(g: Builder, s: DeltaSizes, h: Value): { readonly alpha: Value; readonly beta: Value };
  /** `turn`: head h of v has head h % nHeadK of q and k. `group`: the neighbours of a group share one. */
  readonly heads: 'turn' | 'group';
  /** ggml names of the queries and of their gates in attention layers. */
  readonly attention: { readonly q: string; readonly gate: string };
}

/** As llama.cpp's graphs of these architectures have them. */
const HALF_NAMES = { mid: 'attn_residual', norm: { role: 'post_attention_norm', ggml: 'attn_post_norm' } };
const SHARED_NAMES = {
  gateLogit: 'shared_expert_gate',
  gate: 'shared_expert_gate_sigmoid',
  out: 'ffn_shexp_gated',
};

/** The forward pass of a model whose layers are gated delta nets, every `attnPeriod`-th apart, which is attention. */
export function deltaForward(
  kind: DeltaKind,
): Pick<ArchSpec<typeof DELTA_KEYS, DeltaSizes>, 'keys' | 'sizes' | 'sample' | 'embed' | 'layer' | 'head'> {
  return {
    keys: DELTA_KEYS,
    sizes: deltaSizes,
    sample: { nLayer: USUAL_PERIOD },
    embed: embedding,
    layer(g, s, x, l) {
      const halves = {
        mix: (h: Value) => (isFirstKind(l, s.attnPeriod) ? deltaNet(g, s, h, kind) : attentionOf(g, s, h, kind)),
        feedForward: (f: Value) => withSharedExpert(g, f, softmaxExperts(g, f, 'sum'), SHARED_NAMES),
      };
      return preNormLayer(g, x, s.rmsEps, halves, HALF_NAMES);
    },
    head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
  };
}

/** Attention whose output is gated, channel by channel, by what lies beside each query head. */
function attentionOf(g: Builder, s: DeltaSizes, h: Value, { attention: names }: DeltaKind): Value {
  const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
  const weight = (role: string, out: DeltaDims): WeightSlot =>
    g.weight(role, ['nEmbd', out], { scaled: true, bias: 'optional' });
  const both = g.linear('q_full', h, weight('attn_q', 'qGateDim'), { ggml: 'Qcur_full' });
  const pairs = g.view(both, 'nHead', 'headPair');
  const q = g.slice('q_heads', pairs, 'headDim', 0, { ggml: names.q });
  const gate = g.joined(g.slice('q_gate', pairs, 'headDim', s.headDim, { ggml: names.gate }), 'qDim');
  const k = g.linear('k_proj', h, weight('attn_k', 'kvDim'), { ggml: 'Kcur_proj' });
  const v = g.linear('v_proj', h, weight('attn_v', 'kvDim'), { ggml: 'Vcur' });
  const normed = (id: string, x: Value, role: string, ggml: string): Value =>
    g.rmsnorm(id, x, g.weight(role, ['headDim']), { eps, ggml });
  return gatedAttention(
    g,
    {
      q: normed('q_norm', q, 'attn_q_norm', 'Qcur_normed'),
      k: normed('k_norm', g.view(k, 'nHeadKv', 'headDim'), 'attn_k_norm', 'Kcur_normed'),
      v,
      gate,
    },
    { rope: { theta, dims, pairing: 'neox', scaling: ropeScaling(s) }, divisor: Math.sqrt(s.headDim) },
  );
}

function deltaNet(g: Builder, s: DeltaSizes, h: Value, kind: DeltaKind): Value {
  const { rmsEps: eps, dState } = s;
  const weight = (role: string, dims: readonly DeltaDims[]): WeightSlot => g.weight(role, dims, { scaled: true });
  const qkv = g.linear('linear_attn_qkv_mixed', h, weight('attn_qkv', ['nEmbd', 'convDim']));
  const z = g.linear('linear_attn_z', h, weight('attn_gate', ['nEmbd', 'dInner']), { ggml: 'z' });
  const { alpha, beta } = kind.alphaBeta(g, s, h);
  const write = g.sigmoid('beta_sigmoid', beta);
  const rate = g.softplus('a_softplus', alpha, g.weight('ssm_dt', ['nHeadV']));
  // What the file has is -exp(A_log): negative, so that the state decays.
  const decay = g.gain('delta_decay', rate, g.weight('ssm_a', ['nHeadV']), { ggml: 'gate' });

  const window = g.cached('conv', qkv, s.nConv - 1);
  const captures = g.weight('ssm_conv1d', ['nConv', 'convDim'], { flat: true });
  const mixed = g.silu('conv_output_silu', g.conv1d('conv_output_raw', qkv, window, captures));
  const part = (id: string, out: DeltaDims, first: number, heads: DeltaDims, ggml = id): Value =>
    g.view(g.slice(id, mixed, out, first, { ggml }), heads, 'dState');
  const q = part('q_conv', 'keyDim', 0, 'nHeadK');
  const k = part('k_conv', 'keyDim', s.keyDim, 'nHeadK');
  const v = part('v_conv', 'dInner', 2 * s.keyDim, 'nHeadV', 'v_conv_predelta');
  const unit = (id: string, x: Value): Value =>
    kind.heads === 'group'
      ? g.l2norm(id, x, 'nHeadV', { eps, times: s.nHeadGroup })
      : g.l2norm(id, x, 'nHeadK', { eps, times: 1 });
  const queries = unit('q_conv_predelta', q);
  const keys = unit('k_conv_predelta', k);

  const state = g.deltaRule('delta_state', { k: keys, v, decay, beta: write }, 'delta', { ggml: 'new_state' });
  const read = g.deltaRead('delta_out', state, queries, { divisor: Math.sqrt(dState), ggml: 'attn_output' });
  const normed = g.rmsnorm('delta_norm', read, g.weight('ssm_norm', ['dState']), { eps, ggml: '' });
  const gated = g.joined(g.swiglu('final_output', g.view(z, 'nHeadV', 'dState'), normed), 'dInner');
  return g.linear('linear_attn_out', gated, weight('ssm_out', ['dInner', 'nEmbd']));
}

import type { GraphBuilder } from './builder';
import type { Value, WeightSlot } from './graph';
import type { OpAttrs } from './operations';

/*
 * Parts of the forward pass that most architectures share, in llama.cpp's words: build_qkv, build_attn, build_moe_ffn.
 */

/** The sizes that these parts name. */
export type BlockDims =
  'nEmbd' | 'qDim' | 'kvDim' | 'nHead' | 'nHeadKv' | 'headDim' | 'nExpert' | 'nExpertUsed' | 'nFfExp' | 'nVocab';

type Builder = GraphBuilder<BlockDims>;

/** The halves of a layer: what each adds to the residual stream, of that stream normed. All (nTokens, nEmbd). */
interface Halves {
  mix(h: Value): Value;
  feedForward(f: Value): Value;
}

/** Of the residual stream between the halves, and of the norm behind it. */
interface HalfNames {
  readonly mid: string;
  readonly norm: { readonly role: string; readonly ggml: string };
}

const HALF_NAMES: HalfNames = { mid: 'ffn_inp', norm: { role: 'ffn_norm', ggml: 'ffn_norm' } };

/** A layer with a norm ahead of each half: x + mix(norm x), and that + feedForward(its norm). (nTokens, nEmbd) */
export function preNormLayer(g: Builder, x: Value, eps: number, halves: Halves, names = HALF_NAMES): Value {
  const mixed = halves.mix(g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps }));
  const mid = g.add('post_attn_residual', x, mixed, { ggml: names.mid });
  const { role, ggml } = names.norm;
  const added = halves.feedForward(g.rmsnorm('ffn_norm', mid, g.weight(role, ['nEmbd']), { eps, ggml }));
  return g.add('post_ffn_residual', mid, added, { ggml: 'l_out', title: 'LayerOutput', aliases: ['layer_output'] });
}

/** Raw queries, keys and values, (nTokens, qDim) and (nTokens, kvDim): from matrices of their own, or from rows of `attn_qkv`. */
export function projections(g: Builder, h: Value, bias: NonNullable<WeightSlot['bias']> = 'optional'): Heads {
  const weight = (role: string, out: 'qDim' | 'kvDim', part: number): WeightSlot => {
    const fusedWith = { role: 'attn_qkv', parts: ['qDim', 'kvDim', 'kvDim'], part };
    return g.weight(role, ['nEmbd', out], { scaled: true, bias, fusedWith });
  };
  return {
    q: g.linear('q_proj', h, weight('attn_q', 'qDim', 0), { ggml: bias === 'required' ? 'Qcur_bias' : 'Qcur_proj' }),
    k: g.linear('k_proj', h, weight('attn_k', 'kvDim', 1), { ggml: bias === 'required' ? 'Kcur_bias' : 'Kcur_proj' }),
    v: g.linear('v_proj', h, weight('attn_v', 'kvDim', 2), { ggml: 'Vcur' }),
  };
}

/** Queries, keys and values; queries and keys (nTokens, heads, headDim), before rotation. */
interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Projections as heads that are not normed: queries and keys (nTokens, heads, headDim). */
export function inHeads(g: Builder, { q, k, v }: Heads): Heads {
  return { q: g.view(q, 'nHead', 'headDim'), k: g.view(k, 'nHeadKv', 'headDim'), v };
}

/** Queries and keys normed head by head. */
export function headNorms(g: Builder, { q, k, v }: Heads, eps: number): Heads {
  return {
    q: g.rmsnorm('q_norm', q, g.weight('attn_q_norm', ['headDim']), { eps, ggml: 'Qcur_normed' }),
    k: g.rmsnorm('k_norm', k, g.weight('attn_k_norm', ['headDim']), { eps, ggml: 'Kcur_normed' }),
    v,
  };
}

/** Queries and keys, (nTokens, qDim) and (nTokens, kvDim), normed over all heads together. */
export function rowNorms(g: Builder, { q, k, v }: Heads, eps: number): Heads {
  const [ofQ, ofK] = [g.weight('attn_q_norm', ['qDim']), g.weight('attn_k_norm', ['kvDim'])];
  return {
    q: g.rmsnorm('q_norm', q, ofQ, { eps, ggml: 'Qcur_normed', split: ['nHead', 'headDim'] }),
    k: g.rmsnorm('k_norm', k, ofK, { eps, ggml: 'Kcur_normed', split: ['nHeadKv', 'headDim'] }),
    v,
  };
}

/** How a layer attends. */
interface Attends {
  readonly rope: OpAttrs['rope'] & { readonly factors?: WeightSlot | undefined };
  readonly divisor: number;
  /** Keys that a query sees, where not all before it. */
  readonly window?: number | undefined;
  /** Whether the softmax of each head has a sink. */
  readonly hasSinks?: boolean;
  /** Of the output projection. */
  readonly bias?: NonNullable<WeightSlot['bias']>;
}

/**
 * Causal attention and its output projection: (nTokens, nEmbd).
 * @param q, k before rotation, (nTokens, heads, headDim) @param v (nTokens, kvDim)
 */
export function attention(g: Builder, heads: Heads, how: Attends): Value {
  return attentionOutput(g, attended(g, heads, how, 'kqv_out'), 'attn_out', how.bias);
}

/** Attention whose output is multiplied by the sigmoid of a gate before it is projected. @param gate (nTokens, qDim) */
export function gatedAttention(g: Builder, heads: Heads & { readonly gate: Value }, how: Attends): Value {
  const a = attended(g, heads, how, 'attn_pregate');
  const gate = g.sigmoid('attn_gate_sigmoid', heads.gate, { ggml: 'gate_sigmoid' });
  return attentionOutput(g, g.multiply('attn_gated', a, gate), 'attn_output', how.bias);
}

/** The heads' values, side by side. */
function attended(
  g: Builder,
  { q, k, v }: Heads,
  { rope, divisor, window, hasSinks = false }: Attends,
  ggml: string,
): Value {
  const queries = g.rope('q_post_rope', q, { ...rope, ggml: 'Qcur' });
  const keys = g.cached('keys', g.rope('k_post_rope', k, { ...rope, ggml: 'Kcur' }));
  const values = g.cached('values', g.view(v, 'nHeadKv', 'headDim'));
  const scores = g.scores('attn_scores', queries, keys, { divisor, ggml: 'kq' });
  const sinks = hasSinks ? g.weight('attn_sinks', ['nHead']) : undefined;
  const p = g.softmax('attn_softmax', scores, { mask: 'causal', window, sinks, ggml: 'kq_soft_max' });
  return g.values('attention', p, values, 'qDim', { ggml });
}

function attentionOutput(g: Builder, a: Value, ggml: string, bias: Attends['bias'] = 'optional'): Value {
  return g.linear('attn_out', a, g.weight('attn_output', ['qDim', 'nEmbd'], { scaled: true, bias }), { ggml });
}

/** Experts chosen by the softmax of a router: their weighted sum, (nTokens, nEmbd). @param divisor of the chosen experts' weights */
export function softmaxExperts(g: Builder, x: Value, divisor: OpAttrs['normalise']['divisor']): Value {
  return chosenExperts(g, x, routed(g, x, { gating: 'softmax', divisor }));
}

/** Experts of each token, (nTokens, nExpertUsed), and the share that each has in its output. */
interface Routing {
  readonly chosen: Value;
  readonly share: Value;
}

/** How a router chooses. */
export interface Router {
  readonly gating: 'softmax' | 'sigmoid';
  /** Whether a bias is added to the values that experts are chosen by; their shares are without it. */
  readonly hasBias?: boolean;
  /** Of the chosen experts' values, and what they are multiplied by then. */
  readonly divisor: OpAttrs['normalise']['divisor'];
  readonly scale?: number;
  /** Picks groups of experts to choose from, by the values that are ranked. */
  readonly within?: ((ranked: Value) => { readonly chosen: Value; readonly groups: number }) | undefined;
}

/** The experts with the largest values of a router. */
export function routed(g: Builder, x: Value, { gating, hasBias = false, divisor, scale = 1, within }: Router): Routing {
  const logits = g.linear('moe_router_logits', x, g.weight('ffn_gate_inp', ['nEmbd', 'nExpert']), {
    ggml: 'ffn_moe_logits',
  });
  const probs = g[gating]('moe_router_probs', logits, { ggml: 'ffn_moe_probs' });
  const ranked = hasBias
    ? g.shift('moe_router_probs_biased', probs, g.weight('exp_probs_b', ['nExpert']), { ggml: 'ffn_moe_probs_biased' })
    : probs;
  const chosen = g.topK('moe_router_indices', ranked, 'nExpertUsed', {
    ggml: 'ffn_moe_topk',
    within: within?.(ranked),
  });
  const name = { divisor, ggml: divisor === 'sum' ? 'ffn_moe_weights_norm' : 'ffn_moe_weights' };
  const headline = true;
  if (scale === 1) return { chosen, share: g.normalise('moe_router', probs, chosen, { ...name, headline }) };
  const unscaled = g.normalise('moe_router_unscaled', probs, chosen, name);
  return {
    chosen,
    share: g.scale('moe_router', unscaled, { factor: scale, ggml: 'ffn_moe_weights_scaled', headline }),
  };
}

/** What is odd about an architecture's experts. */
interface ExpertKind {
  readonly bias?: WeightSlot['bias'];
  /** Of a clamped SwiGLU; a plain one where there is none. */
  readonly activation?: OpAttrs['swiglu-clamped'];
}

/** The chosen experts' outputs by their shares: (nTokens, nEmbd). */
export function chosenExperts(
  g: Builder,
  x: Value,
  { chosen, share }: Routing,
  { bias, activation }: ExpertKind = {},
): Value {
  const options = { scaled: true, bias };
  const named = (ggml: string): { readonly ggml: string } => ({ ggml: bias === 'required' ? `${ggml}_biased` : ggml });
  const halves = (role: string, part: number): WeightSlot => {
    const fusedWith = { role: 'ffn_gate_up_exps', parts: ['nFfExp', 'nFfExp'], part };
    return g.weight(role, ['nEmbd', 'nFfExp', 'nExpert'], { ...options, fusedWith });
  };
  const gate = g.expertLinear('moe_expert_gate', x, chosen, halves('ffn_gate_exps', 0), named('ffn_moe_gate'));
  const up = g.expertLinear('moe_expert_up', x, chosen, halves('ffn_up_exps', 1), named('ffn_moe_up'));
  const aliases = ['moe_expert_swiglu'];
  const hidden =
    activation === undefined
      ? g.swiglu('moe_expert_swigl', gate, up, { ggml: 'ffn_moe_swiglu', aliases })
      : g.swigluClamped('moe_expert_swigl', gate, up, { ...activation, ggml: 'ffn_moe_swiglu_oai', aliases });
  const down = g.weight('ffn_down_exps', ['nFfExp', 'nEmbd', 'nExpert'], options);
  const y = g.expertLinear('moe_expert_out', hidden, chosen, down, named('ffn_moe_down'));
  return g.weightedSum('moe_ffn_out', share, y, { ggml: 'ffn_moe_out', headline: true });
}

/** Sizes of a shared expert: its hidden size, and the one value that gates it. */
export type SharedDims = BlockDims | 'nFfShexp' | 'nGate';

/** Weights of a block that every token goes through, by what their roles end with, and its hidden size. */
const DENSE = { ending: '', hidden: 'nFf' } as const;
const SHARED = { ending: '_shexp', hidden: 'nFfShexp' } as const;

/** The feed-forward block of a layer without experts: (nTokens, nEmbd). */
export function denseBlock(g: GraphBuilder<BlockDims | 'nFf'>, x: Value): Value {
  return gatedBlock(g, x, DENSE, 'ffn_out');
}

/** An expert that every token goes through: (nTokens, nEmbd). @param id of its output, in llama.cpp's words */
export function sharedExpert(g: GraphBuilder<BlockDims | 'nFfShexp'>, x: Value, id: string): Value {
  return gatedBlock(g, x, SHARED, id);
}

function gatedBlock<D extends string>(
  g: GraphBuilder<BlockDims | D>,
  x: Value,
  { ending, hidden }: { readonly ending: string; readonly hidden: D },
  id: string,
): Value {
  const weight = (role: string, ...dims: readonly (BlockDims | D)[]): WeightSlot =>
    g.weight(`${role}${ending}`, dims, { scaled: true });
  const gate = g.linear('ffn_gate', x, weight('ffn_gate', 'nEmbd', hidden));
  const up = g.linear('ffn_up', x, weight('ffn_up', 'nEmbd', hidden));
  const product = g.swiglu('ffn_swigl', gate, up, { ggml: 'ffn_swiglu', aliases: ['ffn_swiglu'] });
  return g.linear(id, product, weight('ffn_down', hidden, 'nEmbd'));
}

/** ggml names of a shared expert's gate, of its sigmoid and of what it gates. */
const SHARED_NAMES = { gateLogit: 'ffn_shexp_gate_inp', gate: 'ffn_shexp_gate', out: 'ffn_shexp_out' };

/** A shared expert times the sigmoid of a gate of its own, added to the chosen ones: (nTokens, nEmbd). */
export function withSharedExpert(
  g: GraphBuilder<SharedDims>,
  x: Value,
  chosen: Value,
  ggml: Readonly<typeof SHARED_NAMES> = SHARED_NAMES,
): Value {
  const y = sharedExpert(g, x, 'ffn_shexp');
  const logit = g.linear('ffn_shexp_gate_inp', x, g.weight('ffn_gate_inp_shexp', ['nEmbd', 'nGate']), {
    ggml: ggml.gateLogit,
  });
  const gated = g.multiply('ffn_shexp_out', y, g.sigmoid('ffn_shexp_gate', logit, { ggml: ggml.gate }), {
    ggml: ggml.out,
  });
  return g.add('ffn_out', chosen, gated);
}

/** Token rows. */
export function embedding(g: Builder): Value {
  return tokenRows(g, { id: 'embedding', ggml: 'inp_embd' });
}

/** Token rows, where something follows them. */
export function tokenRows(g: Builder, { id, ggml }: Named): Value {
  return g.rows(id, g.weight('token_embd', ['nEmbd', 'nVocab']), { ggml });
}

interface Named {
  readonly id: string;
  readonly ggml: string;
}

/**
 * Final norm and logits.
 * @param tied whether a file without `output.weight` has the token embedding as its head @param named where something follows them
 */
export function logits(
  g: Builder,
  x: Value,
  eps: number,
  tied: boolean,
  named: Named = { id: 'lm_head', ggml: 'result_output' },
): Value {
  const h = g.rmsnorm('final_norm', x, g.weight('output_norm', ['nEmbd']), { eps, ggml: 'result_norm' });
  const options = tied ? { scaled: true, tiedTo: 'token_embd.weight' } : { scaled: true };
  return g.linear(named.id, h, g.weight('output', ['nEmbd', 'nVocab'], options), { ggml: named.ggml });
}

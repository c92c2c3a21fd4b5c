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

/** Raw queries, keys and values, (nTokens, qDim) and (nTokens, kvDim): from matrices of their own, or from rows of `attn_qkv`. */
export function projections(
  g: Builder,
  h: Value,
  bias: NonNullable<WeightSlot['bias']> = 'optional',
): { readonly q: Value; readonly k: Value; readonly v: Value } {
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

/**
 * Causal attention and its output projection: (nTokens, nEmbd).
 * @param q, k before rotation, (nTokens, heads, headDim) @param v (nTokens, kvDim)
 */
export function attention(
  g: Builder,
  { q, k, v }: { readonly q: Value; readonly k: Value; readonly v: Value },
  { rope, divisor }: { readonly rope: OpAttrs['rope']; readonly divisor: number },
): Value {
  const queries = g.rope('q_post_rope', q, { ...rope, ggml: 'Qcur' });
  const keys = g.cached('keys', g.rope('k_post_rope', k, { ...rope, ggml: 'Kcur' }));
  const values = g.cached('values', g.view(v, 'nHeadKv', 'headDim'));
  const scores = g.scores('attn_scores', queries, keys, { divisor, ggml: 'kq' });
  const p = g.softmax('attn_softmax', scores, { mask: 'causal', ggml: 'kq_soft_max' });
  const a = g.values('attention', p, values, 'qDim', { ggml: 'kqv_out' });
  return g.linear('attn_out', a, g.weight('attn_output', ['qDim', 'nEmbd'], { scaled: true, bias: 'optional' }));
}

/** Experts chosen by the softmax of a router: their weighted sum, (nTokens, nEmbd). @param divisor of the chosen experts' weights */
export function softmaxExperts(g: Builder, x: Value, divisor: OpAttrs['normalise']['divisor']): Value {
  const logits = g.linear('moe_router_logits', x, g.weight('ffn_gate_inp', ['nEmbd', 'nExpert']), {
    ggml: 'ffn_moe_logits',
  });
  const probs = g.softmax('moe_router_probs', logits, { ggml: 'ffn_moe_probs' });
  const chosen = g.topK('moe_router_indices', probs, 'nExpertUsed', { ggml: 'ffn_moe_topk' });
  const share = g.normalise('moe_router', probs, chosen, {
    divisor,
    ggml: divisor === 'sum' ? 'ffn_moe_weights_norm' : 'ffn_moe_weights',
    headline: true,
  });
  const halves = (role: string, part: number): WeightSlot => {
    const fusedWith = { role: 'ffn_gate_up_exps', parts: ['nFfExp', 'nFfExp'], part };
    return g.weight(role, ['nEmbd', 'nFfExp', 'nExpert'], { scaled: true, fusedWith });
  };
  const gate = g.expertLinear('moe_expert_gate', x, chosen, halves('ffn_gate_exps', 0), { ggml: 'ffn_moe_gate' });
  const up = g.expertLinear('moe_expert_up', x, chosen, halves('ffn_up_exps', 1), { ggml: 'ffn_moe_up' });
  const hidden = g.swiglu('moe_expert_swigl', gate, up, { ggml: 'ffn_moe_swiglu', aliases: ['moe_expert_swiglu'] });
  const down = g.weight('ffn_down_exps', ['nFfExp', 'nEmbd', 'nExpert'], { scaled: true });
  const y = g.expertLinear('moe_expert_out', hidden, chosen, down, { ggml: 'ffn_moe_down' });
  return g.weightedSum('moe_ffn_out', share, y, { ggml: 'ffn_moe_out', headline: true });
}

/** Sizes of a shared expert: its hidden size, and the one value that gates it. */
export type SharedDims = BlockDims | 'nFfShexp' | 'nGate';

/** An expert that every token goes through, times the sigmoid of a gate of its own, added to the chosen ones: (nTokens, nEmbd). */
export function withSharedExpert(g: GraphBuilder<SharedDims>, x: Value, chosen: Value): Value {
  const weight = (role: string, ...dims: readonly SharedDims[]): WeightSlot => g.weight(role, dims, { scaled: true });
  const gate = g.linear('ffn_gate', x, weight('ffn_gate_shexp', 'nEmbd', 'nFfShexp'));
  const up = g.linear('ffn_up', x, weight('ffn_up_shexp', 'nEmbd', 'nFfShexp'));
  const hidden = g.swiglu('ffn_swigl', gate, up, { ggml: 'ffn_swiglu', aliases: ['ffn_swiglu'] });
  const y = g.linear('ffn_shexp', hidden, weight('ffn_down_shexp', 'nFfShexp', 'nEmbd'));
  const logit = g.linear('ffn_shexp_gate_inp', x, g.weight('ffn_gate_inp_shexp', ['nEmbd', 'nGate']));
  const gated = g.multiply('ffn_shexp_out', y, g.sigmoid('ffn_shexp_gate', logit));
  return g.add('ffn_out', chosen, gated);
}

/** What leaves a layer: the residual stream and what its feed-forward block adds. */
export function layerOutput(g: Builder, mid: Value, added: Value): Value {
  return g.add('post_ffn_residual', mid, added, { ggml: 'l_out', title: 'LayerOutput', aliases: ['layer_output'] });
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

import {
  attention,
  denseBlock,
  embedding,
  headNorms,
  layerOutput,
  logits,
  projections,
  type BlockDims,
} from './blocks';
import type { GraphBuilder } from './builder';
import { defineArch } from './define-arch';
import type { Value } from './graph';
import { ATTENTION_KEYS, denseSizes } from './moe-keys';
import { ropeScaling } from './rope-scaling';

type Builder = GraphBuilder<BlockDims | 'nFf'>;
type Sizes = Parameters<typeof ropeScaling>[0] & Readonly<Record<'rmsEps' | 'ropeTheta' | 'nRot' | 'headDim', number>>;

/** A layer of Qwen3. @param feedForward what follows its second norm: (nTokens, nEmbd) to the same */
export function qwen3Layer(g: Builder, s: Sizes, x: Value, feedForward: (g: Builder, x: Value) => Value): Value {
  const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
  const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;

  const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
  const raw = projections(g, h);
  const heads = { q: g.view(raw.q, 'nHead', 'headDim'), k: g.view(raw.k, 'nHeadKv', 'headDim'), v: raw.v };
  const out = attention(g, headNorms(g, heads, eps), { rope, divisor: Math.sqrt(s.headDim) });
  const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

  const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
  return layerOutput(g, mid, feedForward(g, f));
}

/** Qwen3: Qwen3-0.6B to Qwen3-32B. llama.cpp: src/models/qwen3.cpp. The dense sibling of Qwen3-MoE. */
export const qwen3 = defineArch({
  name: 'qwen3',
  title: 'Qwen3',
  example: 'Qwen3-8B',
  keys: ATTENTION_KEYS,
  sizes: (k, contradict) => denseSizes(k, contradict, 'all'),

  embed: embedding,

  layer: (g, s, x) => qwen3Layer(g, s, x, denseBlock),

  head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
});

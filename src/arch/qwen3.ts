import {
  attention,
  type BlockDims,
  denseBlock,
  embedding,
  headNorms,
  inHeads,
  logits,
  preNormLayer,
  projections,
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
  return preNormLayer(g, x, eps, {
    mix: (h) => {
      const heads = headNorms(g, inHeads(g, projections(g, h)), eps);
      return attention(g, heads, { rope, divisor: Math.sqrt(s.headDim) });
    },
    feedForward: (f) => feedForward(g, f),
  });
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

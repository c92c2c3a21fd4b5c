import { embedding, logits, softmaxExperts } from './blocks';
import { defineArch, type Architecture } from './define-arch';
import { MOE_KEYS, moeSizes } from './moe-keys';
import type { OtherKey } from './other-keys';
import { qwen3Layer } from './qwen3';

/** Qwen3-MoE: Qwen3-30B-A3B, Qwen3-235B-A22B, Qwen3-Coder. llama.cpp: src/models/qwen3moe.cpp. */
export const qwen3moe = qwen3Experts({
  name: 'qwen3moe',
  title: 'Qwen3-MoE',
  example: 'Qwen3-30B-A3B or Qwen3-Coder-30B-A3B',
});

/** An architecture with the forward pass of Qwen3-MoE. */
export function qwen3Experts(
  named: Pick<Architecture, 'name' | 'title' | 'example'> & { readonly otherKeys?: readonly OtherKey[] },
): Architecture {
  return defineArch({
    ...named,
    keys: MOE_KEYS,
    sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

    embed: embedding,

    layer: (g, s, x) => qwen3Layer(g, s, x, (to, f) => softmaxExperts(to, f, 'sum')),

    head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
  });
}

import { attention, embedding, layerOutput, logits, projections, softmaxExperts } from './blocks';
import { defineArch, type Architecture } from './define-arch';
import { MOE_KEYS, moeSizes } from './moe-keys';
import type { OtherKey } from './other-keys';
import { ropeScaling } from './rope-scaling';

/** Qwen3-MoE: Qwen3-30B-A3B, Qwen3-235B-A22B, Qwen3-Coder. llama.cpp: src/models/qwen3moe.cpp. */
export const qwen3moe = qwen3({
  name: 'qwen3moe',
  title: 'Qwen3-MoE',
  example: 'Qwen3-30B-A3B or Qwen3-Coder-30B-A3B',
});

/** An architecture with the forward pass of Qwen3-MoE. */
export function qwen3(
  named: Pick<Architecture, 'name' | 'title' | 'example'> & { readonly otherKeys?: readonly OtherKey[] },
): Architecture {
  return defineArch({
    ...named,
    keys: MOE_KEYS,
    sizes: (k, contradict) => moeSizes(k, contradict, 'all'),

    embed: embedding,

    layer(g, s, x) {
      const { rmsEps: eps, ropeTheta: theta, nRot: dims } = s;
      const rope = { theta, dims, pairing: 'neox', scaling: ropeScaling(s) } as const;

      const h = g.rmsnorm('attn_norm', x, g.weight('attn_norm', ['nEmbd']), { eps });
      const raw = projections(g, h);
      const q = g.rmsnorm('q_norm', g.view(raw.q, 'nHead', 'headDim'), g.weight('attn_q_norm', ['headDim']), {
        eps,
        ggml: 'Qcur_normed',
      });
      const k = g.rmsnorm('k_norm', g.view(raw.k, 'nHeadKv', 'headDim'), g.weight('attn_k_norm', ['headDim']), {
        eps,
        ggml: 'Kcur_normed',
      });
      const out = attention(g, { q, k, v: raw.v }, { rope, divisor: Math.sqrt(s.headDim) });
      const mid = g.add('post_attn_residual', x, out, { ggml: 'ffn_inp' });

      const f = g.rmsnorm('ffn_norm', mid, g.weight('ffn_norm', ['nEmbd']), { eps });
      return layerOutput(g, mid, softmaxExperts(g, f, 'sum'));
    },

    head: (g, { rmsEps }, x) => logits(g, x, rmsEps, true),
  });
}

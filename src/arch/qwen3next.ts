import { defineArch } from './define-arch';
import { deltaForward } from './delta-net';

/**
 * Qwen3-Next: Qwen3-Next-80B-A3B, Qwen3-Coder-Next. llama.cpp: src/models/qwen3next.cpp. Betas and alphas of the heads that share one of keys
 * lie side by side in one product, and so do those heads.
 */
export const qwen3next = defineArch({
  name: 'qwen3next',
  title: 'Qwen3-Next',
  example: 'Qwen3-Next-80B-A3B',
  ...deltaForward({
    alphaBeta(g, s, h) {
      const weight = g.weight('ssm_ba', ['nEmbd', 'nBetaAlpha'], { scaled: true });
      const both = g.linear('linear_attn_mixed_ba', h, weight);
      const groups = g.view(both, 'nHeadK', 'headGroupPair');
      const beta = g.slice('linear_attn_b', groups, 'nHeadGroup', 0, { ggml: 'b' });
      const alpha = g.slice('linear_attn_a', groups, 'nHeadGroup', s.nHeadGroup, { ggml: 'a' });
      return { beta: g.view(beta, 'nHeadV'), alpha: g.view(alpha, 'nHeadV') };
    },
    heads: 'group',
    attention: { q: 'Qcur_view', gate: 'gate' },
  }),
});

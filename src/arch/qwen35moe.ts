import { defineArch } from './define-arch';
import { deltaForward } from './delta-net';
import { sections } from './qwen3vlmoe';

/**
 * Qwen3.5-MoE, its text: Qwen3.5-35B-A3B, Qwen3.6-35B-A3B. llama.cpp: src/models/qwen35moe.cpp. The positions of text are the same on all axes,
 * so that its interleaved rotary embedding is that of the first channels of a head.
 */
export const qwen35moe = defineArch({
  name: 'qwen35moe',
  title: 'Qwen3.5-MoE',
  example: 'Qwen3.5-35B-A3B or Qwen3.6-35B-A3B',
  otherKeys: [sections('rotary sections that leave pairs to an axis that text does not have')],
  ...deltaForward({
    alphaBeta(g, _s, h) {
      const weight = (role: string) => g.weight(role, ['nEmbd', 'nHeadV'], { scaled: true });
      const beta = g.linear('linear_attn_beta', h, weight('ssm_beta'), { ggml: 'beta' });
      return { beta, alpha: g.linear('linear_attn_alpha', h, weight('ssm_alpha'), { ggml: 'alpha' }) };
    },
    heads: 'turn',
    attention: { q: 'Qcur_reshaped', gate: 'gate_reshaped' },
  }),
});

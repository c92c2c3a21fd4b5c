import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import { planToken } from '../../src/fusions/plan-token';
import { exampleGraph } from '../arch/support';
import { factsOf } from './facts';

/** By architecture that the decoder does not run: the first node that no fusion covers, and why. The layer-by-layer engine runs these. */
const UNCOVERED: Readonly<Record<string, readonly [stage: string, reason: string]>> = {
  olmoe: ['q_norm', 'it is not a norm of each head'],
  qwen2moe: ['q_post_rope', 'none begins with rope'],
  llama: ['q_post_rope', 'none begins with rope'],
  granitemoe: ['embedding_rows', 'not one RMSNorm of whole rows reads it'],
  'gpt-oss': ['q_post_rope', 'none begins with rope'],
  qwen35moe: ['attn_norm', 'linear_attn_alpha reads it, and the fused kernel keeps it to itself'],
  qwen3next: ['linear_attn_b', 'none begins with slice'],
  glm4moe: ['ffn_swigl', 'linear is expected here'],
  'minimax-m2': ['q_norm', 'it is not a norm of each head'],
};
const COVERED = ['qwen3moe', 'qwen3vlmoe'];

describe('a token of', () => {
  it.each(ARCHITECTURES.map((arch) => [arch.name, arch] as const))(
    '%s is decoded by fused kernels, or told is what lacks',
    (name, arch) => {
      const plan = planToken(factsOf(exampleGraph(arch)));
      if (COVERED.includes(name)) return void expect(plan).toHaveProperty('parts');
      if (!('uncovered' in plan)) throw new Error(`${name} is covered now: say so here`);
      const known = UNCOVERED[name];
      // Of an architecture that is new here any node may be the first.
      if (known !== undefined) expect([plan.uncovered.out.id, plan.reason]).toEqual(known);
      expect(plan.reason).not.toBe('');
    },
  );
});

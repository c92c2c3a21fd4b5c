import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import type { Sizes } from '../../src/arch/graph';
import { planToken } from '../../src/fusions/plan-token';
import { exampleGraph } from '../arch/support';
import { factsOf } from './facts';

/** By architecture that the decoder does not run: the first node that no fusion covers, and why. The layer-by-layer engine runs these. */
const UNCOVERED: Readonly<Record<string, readonly [stage: string, reason: string]>> = {
  olmoe: ['q_norm', 'it is not a norm of each head'],
  qwen2moe: ['moe_router', "the experts' weights are not divided by their sum"],
  llama: ['q_post_rope', 'it has 1 weights'],
  granitemoe: ['embedding_rows', 'not one RMSNorm of whole rows reads it'],
  'gpt-oss': ['attn_softmax', 'its attribute window is none that the fused kernel knows'],
  qwen35moe: ['attn_norm', 'linear_attn_alpha reads it, and the fused kernel keeps it to itself'],
  qwen3next: ['linear_attn_b', 'none begins with slice'],
  glm4moe: ['ffn_swigl', 'linear is expected here'],
  'minimax-m2': ['q_norm', 'it is not a norm of each head'],
};
/** Sizes of the sample with which the decoder runs what it does not run with all of them: Mixtral divides no frequencies. */
const COVERED_WITH: Readonly<Record<string, Sizes>> = { llama: { hasRopeFactors: 0 } };
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

  it.each(ARCHITECTURES.flatMap((arch) => (arch.name in COVERED_WITH ? [[arch.name, arch] as const] : [])))(
    '%s is decoded by fused kernels in models like those',
    (name, arch) => {
      expect(planToken(factsOf(exampleGraph(arch, COVERED_WITH[name])))).toHaveProperty('parts');
    },
  );
});

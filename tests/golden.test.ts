import { describe, expect, it } from 'vitest';
import { ACTIVE_STAGES } from './support/stages';
import { GOLDEN_MODELS, goldenPrompts, loadGolden } from './support/golden';

describe('the golden tensors', () => {
  it('are all there: 23 models, the sample, and llama.cpp values', () => {
    expect(GOLDEN_MODELS).toHaveLength(23);
    expect(goldenPrompts('mini-q4_k_m')).toEqual(['p1', 'p12', 'p300-last8']);
    expect(goldenPrompts('tiny-moe-6x16')).toEqual(['p0', 'p1']);
    expect(loadGolden('mini-q4_k_m', 'llamacpp-p12').held.length).toBeGreaterThan(40);
  });

  it('hold every stage of the table but the scores before the softmax', () => {
    const golden = loadGolden('mini-q4_k_m', 'p12');
    const held = new Set(golden.held.map((h) => h.stage));
    expect(ACTIVE_STAGES.filter((s) => !held.has(s))).toEqual(['attn_scores']);
    expect(golden.stage('q_proj', 0)?.shape?.[0]).toBe(12);
    expect(golden.stage('lm_head', undefined)?.shape).toEqual([12, 512]);
  });

  it('name the positions of the long prompt', () => {
    const golden = loadGolden('mini-f32', 'p300-last8');
    expect(golden.tokens).toHaveLength(300);
    expect(golden.positions).toEqual([292, 293, 294, 295, 296, 297, 298, 299]);
  });
});

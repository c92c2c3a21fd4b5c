import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelSession } from '../../src/session/model-session';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q4_k_m'));
});
afterAll(() => session.dispose());

/** The MoE chain, and a fault at each of its stages. */
const CHAIN = [
  ['ffn_norm', 'bitflip@layer=1,tensor=ffn_norm'],
  ['moe_router', 'no-renorm@layer=1'],
  ['moe_expert_gate', 'bitflip@layer=1,tensor=ffn_gate_exps'],
  ['moe_expert_up', 'bitflip@layer=1,tensor=ffn_up_exps'],
  ['moe_expert_swigl', 'silu-of-up@layer=1'],
  ['moe_expert_out', 'bitflip@layer=1,tensor=ffn_down_exps'],
  ['moe_ffn_out', 'wrong-slot-weight@layer=1'],
] as const;

describe('SUB-004: the sentence', () => {
  it.each(CHAIN)('names %s', async (stage, fault) => {
    const report = await session.run({ ...BOTH, tokens: [257, 300, 31], inject: [fault] }, recorder());
    expect(report.verdict.status).toBe('diverged');
    expect(report.verdict.sentence).toMatch(new RegExp(`^DIVERGED: first at layer 1, ${stage}, token \\d`));
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelSession } from '../../src/session/model-session';
import { stagesOf } from '../../src/model/graph-of';
import { goldenModelPath } from '../support/golden';
import { recorder, testSession } from '../support/session';

/** A golden model of each architecture that has stages of its own, with faults and the stage and tensor that each has to be blamed on. */
const MODELS: readonly (readonly [string, readonly (readonly [string, string, string | undefined])[]])[] = [
  [
    'qwen2moe',
    [
      ['off-by-one-row@layer=1,tensor=ffn_gate_shexp', 'ffn_gate', 'blk.1.ffn_gate_shexp.weight'],
      ['f16-accumulate@layer=0,tensor=ffn_down_shexp', 'ffn_shexp', 'blk.0.ffn_down_shexp.weight'],
      ['bitflip@layer=1,tensor=ffn_gate_inp_shexp', 'ffn_shexp_gate_inp', 'blk.1.ffn_gate_inp_shexp.weight'],
      ['gqa-modulo@layer=0', 'attn_scores', undefined],
    ],
  ],
  [
    'granitemoe',
    [
      ['no-renorm@layer=0', 'moe_router', undefined],
      ['nan@layer=1,tensor=attn_output', 'attn_out', 'blk.1.attn_output.weight'],
    ],
  ],
  [
    'mixtral-q8_0',
    [
      ['rope-interleaved@layer=0', 'q_post_rope', undefined],
      ['wrong-expert@layer=1', 'moe_expert_gate', 'blk.1.ffn_gate_exps.weight'],
    ],
  ],
];

describe.each(MODELS)('a run of %s', (name, faults) => {
  let session: ModelSession;
  beforeAll(async () => {
    session = await testSession(goldenModelPath(`families/${name}`));
  });
  afterAll(() => session.dispose());

  const spec = { arms: ['gpu', 'cpu'], stages: 'all', layers: 'all', positions: 'all', tokens: [3, 14, 159] } as const;

  it('matches in every stage of its own graph, each within its bound', async () => {
    const report = await session.run({ ...spec, mode: 'local,isolated,free' }, recorder());
    expect(report.verdict.status).toBe('match');
    expect(report.run.stages).toEqual(stagesOf(report.model.hparams));
    for (const mode of ['free', 'isolated', 'local'] as const) {
      const rows = report.rows.filter((row) => row.mode === mode);
      expect(new Set(rows.map(({ stage }) => stage))).toEqual(new Set(report.run.stages));
      for (const { stage, count, maxRatio = 0 } of rows) {
        expect(count, stage).toBeGreaterThan(0);
        expect(maxRatio, stage).toBeLessThanOrEqual(1);
      }
    }
  });

  it.each(faults)('blames %s on %s', async (fault, stage, tensor) => {
    const report = await session.run({ ...spec, mode: 'isolated', inject: [fault] }, recorder());
    expect(report.verdict.first?.stage).toBe(stage);
    expect(report.verdict.first?.tensor).toBe(tensor);
  });
});

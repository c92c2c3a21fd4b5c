import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultSpec, faultStages } from '../../src/model/faults';
import { stageOrder, stageSpec } from '../../src/model/stages';
import { ACTIVE_STAGES, LAYER_ROLES } from '../support/stages';
import type { ModelSession } from '../../src/session/model-session';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q4_k_m'));
});
afterAll(() => session.dispose());

const cases = (['nan', 'inf'] as const).flatMap((kind) =>
  LAYER_ROLES.filter((role) => faultSpec(kind).tensors.includes(role)).map((tensor) => [kind, tensor] as const),
);

describe('SUB-003: not finite', () => {
  it.each(cases)(
    '%s in %s is found where it enters the GPU engine, and the reference stays clean',
    async (kind, tensor) => {
      const [source] = faultStages({ kind, layer: 1, tensor }, session.hparams);
      if (source === undefined) throw new Error('no stage');
      const inject = [`${kind}@layer=1,tensor=${tensor}`];
      const report = await session.run({ ...BOTH, tokens: [257, 300, 31], inject }, recorder());
      expect(report.verdict.status).toBe('not-finite');
      expect(report.verdict.first).toMatchObject({ layer: 1, stage: source, tensor: `blk.1.${tensor}.weight` });
      expect(report.verdict.first?.metric).toBe('non-finite');

      const nonFinite = report.rows.filter((row) => (row.nanA ?? 0) + (row.infA ?? 0) > 0);
      const isolated = nonFinite.filter((row) => row.mode === 'isolated');
      expect(isolated.map((row) => [row.layer, row.stage])).toEqual([[1, source]]);
      // Free-running, it is there from its source on, through every softmax.
      const free = nonFinite.filter((row) => row.mode === 'free');
      expect([free[0]?.layer, free[0]?.stage]).toEqual([1, source]);
      // A logit of -Infinity alone vanishes honestly: as a probability of 0.
      const { nanA, infA, negInfA } = free[0] ?? {};
      const vanishes = source === 'moe_router_logits' && nanA === 0 && infA === negInfA;
      expect(free.at(-1)?.stage).toBe(vanishes ? source : 'lm_head');
      for (const row of report.rows) expect((row.nanB ?? 0) + (row.infB ?? 0), row.stage).toBe(0);
    },
  );

  it('of every kind of weight has a stage to be found at', () => {
    const found = new Set(cases.flatMap(([kind, tensor]) => faultStages({ kind, layer: 0, tensor }, session.hparams)));
    const weighted = ACTIVE_STAGES.filter((id) => stageSpec(id).scope === 'layer' && stageSpec(id).weights.length > 0);
    expect([...found].sort((x, y) => stageOrder(x) - stageOrder(y))).toEqual(weighted);
  });
});

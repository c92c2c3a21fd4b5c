import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatMetric } from '../../src/base/format';
import { compareStep } from '../../src/divergence/compare-step';
import { NO_FLIPS } from '../../src/divergence/flip-state';
import type { Row } from '../../src/divergence/report';
import { reportFromJson, reportToJson } from '../../src/divergence/report-json';
import type { Capture } from '../../src/model/engine';
import { STAGES, type StageId } from '../../src/model/stages';
import { LAYER_STAGES } from '../support/stages';
import type { ModelSession } from '../../src/session/model-session';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q4_k_m'));
});
afterAll(() => session.dispose());

/** A row that says nothing but what it is. */
function isBare(row: Row): boolean {
  const figures = ['cosine', 'nmse', 'relL2', 'maxAbs', 'rms', 'maxRatio', 'jaccard', 'perPosition', 'nanA'] as const;
  return row.count === 0 && figures.every((figure) => row[figure] === undefined);
}

function captured(stage: StageId): Capture {
  return { stage, layer: 0, positions: [0], shape: [1, 2], data: Float32Array.of(1, 2) };
}

const context = {
  a: 'gpu',
  b: 'cpu',
  mode: 'free',
  stages: LAYER_STAGES,
  nExpert: 4,
  cosineLimit: 0.99,
  ratioLimit: 1,
} as const;

describe('a stage without values', () => {
  it('that one engine lacks is missing, that both lack is unmeasured; neither has figures', () => {
    const a = new Map([['attn_norm', captured('attn_norm')] as const]);
    const b = new Map([['attn_norm', captured('attn_norm')] as const, ['ffn_norm', captured('ffn_norm')] as const]);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const { rows } = compareStep(0, one, other, NO_FLIPS, context);
      expect(rows.find((row) => row.stage === 'attn_norm')?.verdict).toBe('match');
      expect(rows.find((row) => row.stage === 'ffn_norm')?.verdict).toBe('missing');
      const rest = rows.filter((row) => row.stage !== 'attn_norm');
      expect(rest.every(isBare)).toBe(true);
      expect(rest.filter((row) => row.verdict === 'unmeasured')).toHaveLength(LAYER_STAGES.length - 2);
    }
  });

  it('that does not apply is reported as that in every layer, without figures, also after a trip through JSON', async () => {
    // A joined name is reported as its parts, which apply.
    const names = STAGES.filter(({ operation, parts }) => operation === 'none' && parts === undefined).map(
      (spec) => spec.id,
    );
    const stages = [...names, 'ffn_norm'].join();
    const report = await session.run({ ...BOTH, tokens: [257, 300], stages }, recorder());
    expect(report.verdict.status).toBe('match');
    for (const { rows } of [report, reportFromJson(reportToJson(report))]) {
      const bare = rows.filter((row) => row.stage !== 'ffn_norm');
      expect(bare).toHaveLength(2 * session.hparams.nLayer * names.length);
      expect(bare.every((row) => row.verdict === 'not-applicable' && isBare(row))).toBe(true);
    }
  });

  it('makes a run incomplete, never a match, where one engine did not run', async () => {
    const report = await session.run({ ...BOTH, tokens: [257], engines: ['gpu'] }, recorder());
    expect(report.verdict.status).toBe('incomplete');
    expect(report.rows).toEqual([]);
  });

  it('is a dash for people, never a zero', () => {
    expect(formatMetric(undefined)).toBe('–');
  });
});

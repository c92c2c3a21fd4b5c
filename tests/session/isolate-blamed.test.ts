import { describe, expect, it, vi } from 'vitest';
import type { Report, Row } from '../../src/divergence/report';
import { nodeSource } from '../../src/gguf/node-source';
import { openSource } from '../../src/gguf/open-source';
import type * as Engines from '../../src/gpu/engine/gpu-engine';
import type { GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { StepResult } from '../../src/model/engine';
import type { StageId } from '../../src/model/stages';
import type { RunSpec } from '../../src/session/events';
import type { Host } from '../../src/session/host';
import { createJudgePool } from '../../src/session/judging/judge-pool';
import type { FromJudge, ToJudge } from '../../src/session/judging/protocol';
import { serveJudge } from '../../src/session/judging/serve-judge';
import { goldenModelPath, loadGolden } from '../support/golden';
import { localThread } from '../support/local-thread';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';

vi.setConfig({ testTimeout: 120_000 });

/** Engines whose own run has another value in layer 1, or in the head, and whose kernels are right. */
const broken = vi.hoisted(() => ({ at: undefined as 1 | 'end' | undefined }));

vi.mock('../../src/gpu/engine/gpu-engine', async (original) => {
  const real = await original<typeof Engines>();
  return {
    ...real,
    createGpuEngine: (options: GpuEngineOptions) => {
      const engine = real.createGpuEngine(options);
      return {
        ...engine,
        layer: async (...step: Parameters<typeof engine.layer>) =>
          turned('moe_expert_out', step[0], await engine.layer(...step)),
        end: async (...step: Parameters<typeof engine.end>) => turned('lm_head', 'end', await engine.end(...step)),
      };
    },
  };
});

/** One value ten times as large. */
function turned(stage: StageId, at: number | 'end', result: StepResult): StepResult {
  const data = result.captures.get(stage)?.data;
  if (at === broken.at && data !== undefined) data[5] = 10 * (data[5] ?? 0) + 1;
  return result;
}

const THREADS: Host = {
  ...TEST_HOST,
  createJudges: (model, hparams) =>
    createJudgePool(model, hparams, {
      threads: 2,
      start: () =>
        localThread<ToJudge, FromJudge>((port) =>
          serveJudge(port, (descriptor) => openSource(descriptor, { openPath: nodeSource })),
        ),
    }),
};

async function run(spec: Partial<RunSpec>, host: Host = TEST_HOST): Promise<Report> {
  const session = await testSession(goldenModelPath('mini-q4_k_m'), host);
  try {
    const tokens = [...loadGolden('mini-q4_k_m', 'p12').tokens];
    return await session.run({ ...BOTH, mode: 'local,free', tokens, ...spec }, recorder());
  } finally {
    await session.dispose();
  }
}

const isolated = ({ rows }: Report): readonly Row[] => rows.filter(({ mode }) => mode === 'isolated');
const INJECT = { inject: ['wrong-expert@layer=1'] };

describe('what is wrong by its own inputs', () => {
  it.each([
    ['in one thread', TEST_HOST],
    ['judged in threads', THREADS],
  ])('is isolated where it is wrong first: the kernel is to blame, %s', async (_, host) => {
    const report = await run(INJECT, host);
    expect(report.verdict.first).toMatchObject({ layer: 1, mode: 'local' });
    const wrong = report.rows.filter(
      ({ mode, layer, verdict }) => mode === 'local' && layer === 1 && verdict === 'diverge',
    );
    expect(wrong.length).toBeGreaterThan(1);
    expect(isolated(report).map(({ layer, stage, verdict }) => [layer, stage, verdict])).toEqual(
      wrong.map(({ layer, stage }) => [layer, stage, 'diverge']),
    );
    expect(report.verdict.sentence).not.toContain('kernel alone is right');
  });

  it('has the error over its bound that an isolated run has', async () => {
    const asked = await run({ ...INJECT, mode: 'local,isolated,free' });
    for (const row of isolated(await run(INJECT))) {
      const whole = isolated(asked).find(({ layer, stage }) => layer === row.layer && stage === row.stage);
      expect(row.count).toBe(whole?.count);
      // The exact values are those of f32 inputs here, and of f64 ones there, with a bound for the difference.
      expect((row.maxRatio ?? 0) / (whole?.maxRatio ?? 1)).toBeCloseTo(1, 0);
    }
  });

  it.each([
    ['moe_expert_out', 1],
    ['lm_head', 'end'],
  ] as const)('is told from a kernel that is right by itself: %s', async (stage, at) => {
    broken.at = at;
    const report = await run({}).finally(() => {
      broken.at = undefined;
    });
    const layer = at === 'end' ? undefined : at;
    expect(report.verdict.first).toMatchObject({ layer, stage, mode: 'local' });
    const alone = isolated(report).find((row) => row.stage === stage);
    expect(alone).toMatchObject({ layer, verdict: 'match' });
    expect(alone?.maxRatio).toBeLessThan(1);
    expect(report.verdict.sentence).toContain("fed the reference's inputs, its kernel alone is right");
  });

  it('is nothing in a match, nor where the reference lacks what a stage reads', async () => {
    expect(isolated(await run({}))).toEqual([]);
    expect(isolated(await run({ ...INJECT, stages: 'moe_expert_gate', positions: 'last' }))).toEqual([]);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { ALL_KERNELS } from '../../src/gpu/all-kernels';
import type { Report, Row } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import type { StageId } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import { goldenModelPath, loadGolden } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

vi.setConfig({ testTimeout: 120_000 });

const worst = (report: Report): number =>
  report.rows.reduce((most, row) => (row.mode === 'local' ? Math.max(most, row.maxRatio ?? 0) : most), 0);

describe('the local error of a run', () => {
  it.each(['mini-f32', 'mini-q4_k_m'])('is within its bound at every stage of an honest one: %s', async (name) => {
    const [report] = await runs(name, [{ mode: 'local,free' }]);
    if (report === undefined) throw new Error('no run');
    expect(report.verdict.sentence).toMatch(/^MATCH/);
    const local = report.rows.filter((row) => row.mode === 'local');
    expect(local.filter((row) => row.verdict === 'match')).toHaveLength(local.length);
    expect(new Set(local.map((row) => row.stage)).size).toBe(ACTIVE_STAGES.length);
    expect(worst(report)).toBeGreaterThan(0);
    // Inputs are f32 on both sides, so that nothing of their rounding is left.
    expect(worst(report)).toBeLessThan(0.9);
  });
});

/** Runs of one session. */
async function runs(name: string, specs: readonly Partial<RunSpec>[]): Promise<readonly Report[]> {
  const session = await testSession(goldenModelPath(name));
  const reports: Report[] = [];
  try {
    const tokens = [...loadGolden(name, 'p12').tokens];
    for (const spec of specs) reports.push(await session.run({ ...BOTH, tokens, ...spec }, recorder()));
    return reports;
  } finally {
    await session.dispose();
  }
}

const localRow = ({ rows }: Report, stage: StageId, layer: number | undefined): Row | undefined =>
  rows.find((row) => row.mode === 'local' && row.stage === stage && row.layer === layer);

describe('a part of a run', () => {
  it('is judged as in the whole: inputs are captured for it, wherever it lies', async () => {
    const stages = 'attention,moe_router_indices,moe_expert_out,lm_head';
    const [whole, part, alone] = await runs('mini-q4_k_m', [
      { mode: 'local,free' },
      { mode: 'local', stages, layers: '1..2', positions: '4..12' },
      { mode: 'local,isolated,free', stages, layers: '1..2', positions: 'last' },
    ]);
    if (whole === undefined || part === undefined || alone === undefined) throw new Error('no runs');
    for (const [stage, layer] of [
      ['attention', 1],
      ['moe_expert_out', 1],
      ['lm_head', undefined],
    ] as const) {
      const all = localRow(whole, stage, layer)?.perPositionRatio;
      expect(localRow(part, stage, layer)?.perPositionRatio, stage).toEqual(all?.slice(4));
      expect(localRow(alone, stage, layer)?.perPositionRatio, stage).toEqual(all?.slice(11));
    }
    expect(localRow(part, 'moe_router_indices', 1)).toMatchObject({ verdict: 'match', flips: [] });
    expect(part.rows.every((row) => row.mode === 'local')).toBe(true);
    expect(part.verdict.sentence).toMatch(/^MATCH/);
    expect(new Set(alone.rows.map((row) => row.mode))).toEqual(new Set(['free', 'isolated', 'local']));
    // The kernels of each run, though one engine ran them all; those of a decoded token are in none.
    const paths = [part, alone].map(({ coverage }) => new Set(coverage?.kernels.map(({ path }) => path)));
    expect(paths).toEqual([new Set(['prompt']), new Set(['prompt', 'isolated'])]);
    const { kernels = [], notRun } = part.coverage ?? {};
    expect(new Set(kernels.flatMap(({ stages }) => stages))).toEqual(new Set(ACTIVE_STAGES));
    expect(notRun).toContain('fusions/experts_in');
    expect(ALL_KERNELS.filter((name) => !notRun?.includes(name))).toEqual(
      [...new Set(kernels.map(({ kernel }) => kernel))].sort(),
    );
  });

  it('does not judge a choice that was forced, and needs an exact reference', async () => {
    await expect(runs('mini-f32', [{ mode: 'local', decode: 1, arms: ['gpu', 'cpu-ggml'] }])).rejects.toMatchObject({
      code: 'usage',
    });
    const [forced, unlike, quantised] = await runs('mini-q4_k_m', [
      { mode: 'local,free', routing: 'reference' },
      { mode: 'local,free', arms: ['gpu', 'cpu-ggml'] },
      { mode: 'local,free', arms: ['cpu-ggml', 'cpu'] },
    ]);
    if (forced === undefined || unlike === undefined || quantised === undefined) throw new Error('no runs');
    expect(localRow(forced, 'moe_router_indices', 0)).toBeUndefined();
    expect(localRow(forced, 'moe_expert_out', 0)?.verdict).toBe('match');
    expect(unlike.run.mode).toBe('both');
    // A candidate of another arithmetic is judged by it.
    expect(localRow(quantised, 'q_proj', 0)).toMatchObject({ verdict: 'match', arithmetic: 'q8-activations' });
    expect(localRow(quantised, 'attn_norm', 0)).toMatchObject({ verdict: 'match', arithmetic: 'f32' });
    expect(quantised.rows.filter((row) => row.mode === 'local' && row.verdict !== 'match')).toEqual([]);
  });
});

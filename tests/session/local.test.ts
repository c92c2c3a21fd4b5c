import { describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import { ACTIVE_STAGES } from '../../src/model/stages';
import { goldenModelPath, loadGolden } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

vi.setConfig({ testTimeout: 120_000 });

async function run(name: string, spec: Partial<RunSpec>): Promise<Report> {
  const session = await testSession(goldenModelPath(name));
  try {
    const { tokens } = loadGolden(name, 'p12');
    const recorded = recorder();
    return await session.run({ ...BOTH, mode: 'local,free', tokens: [...tokens], ...spec }, recorded);
  } finally {
    await session.dispose();
  }
}

const worst = (report: Report): number =>
  report.rows.reduce((most, row) => (row.mode === 'local' ? Math.max(most, row.maxRatio ?? 0) : most), 0);

describe('the local error of a run', () => {
  it.each(['mini-f32', 'mini-q4_k_m'])('is within its bound at every stage of an honest one: %s', async (name) => {
    const report = await run(name, {});
    expect(report.verdict.sentence).toMatch(/^MATCH/);
    const local = report.rows.filter((row) => row.mode === 'local');
    expect(local.filter((row) => row.verdict === 'match')).toHaveLength(local.length);
    expect(new Set(local.map((row) => row.stage)).size).toBe(ACTIVE_STAGES.length);
    expect(worst(report)).toBeGreaterThan(0);
    // Inputs are f32 on both sides, so that nothing of their rounding is left.
    expect(worst(report)).toBeLessThan(0.9);
  });
});

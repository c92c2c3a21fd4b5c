import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createGgmlCpuEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { LiveEngine } from '../../src/model/live';
import { readHParams } from '../../src/model/read-hparams';
import { ALL_KERNELS } from '../../src/gpu/all-kernels';
import type { Report, Row } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import type { StageId } from '../../src/model/stages';
import { ACTIVE_STAGES } from '../support/stages';
import { goldenModelPath, loadGolden } from '../support/golden';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';

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
    await expect(runs('mini-f32', [{ mode: 'local', decode: 1, engines: ['gpu', 'cpu-ggml'] }])).rejects.toMatchObject({
      code: 'usage',
    });
    const [forced, unlike, quantised] = await runs('mini-q4_k_m', [
      { mode: 'local,free', routing: 'reference' },
      { mode: 'local,free', engines: ['gpu', 'cpu-ggml'] },
      { mode: 'local,free', engines: ['cpu-ggml', 'cpu'] },
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

describe('another engine that reads another file', () => {
  /** mini-q4_k_m with two experts of a tensor exchanged. */
  async function exchanged(tensor: string, x: number, y: number): Promise<Uint8Array<ArrayBuffer>> {
    const path = goldenModelPath('mini-q4_k_m');
    const model = await openModel([await nodeSource(path)]);
    const { offset = 0, bytes = 0, dims = [] } = model.tensors.get(tensor) ?? {};
    await model.close();
    const file = new Uint8Array(readFileSync(path));
    const each = bytes / (dims.at(-1) ?? 1);
    const weights = (expert: number): Uint8Array => file.subarray(offset + expert * each, offset + (expert + 1) * each);
    const kept = Uint8Array.from(weights(x));
    weights(x).set(weights(y));
    weights(y).set(kept);
    return file;
  }

  it('is told which expert its values are those of, by the activations that it quantises', async () => {
    const tensor = 'blk.1.ffn_down_exps.weight';
    const bad = await openModel([memorySource(await exchanged(tensor, 0, 1), 'bad.gguf')]);
    const hparams = readHParams(bad);
    const pool = createInlinePool(bad);
    const openLive = (): LiveEngine => {
      const engine = createGgmlCpuEngine({ model: bad, hparams, pool });
      return Object.assign(engine, { arm: 'llama.cpp:cpu', facts: () => undefined });
    };
    const session = await testSession(goldenModelPath('mini-q4_k_m'), { ...TEST_HOST, openLive });
    try {
      const tokens = [...loadGolden('mini-q4_k_m', 'p12').tokens];
      const spec: RunSpec = { ...BOTH, tokens, engines: ['llama.cpp:cpu', 'cpu'], mode: 'local,free' };
      const { verdict, rows } = await session.run(spec, recorder());
      expect(verdict.first).toMatchObject({ layer: 1, stage: 'moe_expert_out', tensor, mode: 'local' });
      const { expert, cause } = verdict.first ?? {};
      expect([0, 1]).toContain(expert);
      expect(cause).toEqual({ code: 'other-expert', parameters: { expert: expert === 0 ? 1 : 0 }, proven: true });
      // Every figure of a row is of the arithmetic that it names: no value of a right row is over its bound, and the worst one is the row's.
      const judged = rows.filter((row) => row.mode === 'local' && row.arithmetic !== undefined);
      const over = judged.filter((row) => row.perPositionRatio?.some((ratio) => (ratio ?? 0) > 1) === true);
      expect(over.map(({ layer, stage }) => `${String(layer)} ${stage}`)).toEqual(['1 moe_expert_out']);
      const { a = NaN, b = NaN, bound = NaN } = over[0]?.maxRatioValues ?? {};
      expect(Math.abs(a - b) / bound / (over[0]?.maxRatio ?? NaN)).toBeCloseTo(1, 3);
      expect(over[0]?.arithmetic).toBe('q8-activations');
      expect(judged.filter((row) => row.arithmetic === 'q8-activations').length).toBeGreaterThan(10);
    } finally {
      await session.dispose();
      await pool.dispose();
      await bad.close();
    }
  });
});

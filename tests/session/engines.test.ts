import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINE_IDS, type RunEngineId } from '../../src/model/engines';
import type { RunSpec } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import type { Report } from '../../src/divergence/report';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

const TOKENS = [5, 400, 77, 31, 255];
let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q4_k_m'));
});
afterAll(() => session.dispose());

function run(spec: Partial<RunSpec>): Promise<Report> {
  return session.run({ ...BOTH, tokens: TOKENS, ...spec }, recorder());
}

const worst = (report: Report, mode: 'free' | 'isolated', stage: string): number =>
  Math.max(...report.rows.filter((row) => row.mode === mode && row.stage === stage).map((row) => row.relL2 ?? NaN));

describe('any two engines', () => {
  it.each([
    ['gpu', 'cpu'],
    ['gpu', 'cpu-ggml'],
    ['cpu-ggml', 'cpu'],
  ] as const)('%s against %s', async (a, b) => {
    const seen = recorder();
    const report = await session.run({ ...BOTH, tokens: TOKENS, engines: [a, b] }, seen);
    expect(report.run.arms).toEqual([a, b]);
    expect(report.rows.every((row) => row.a === a && row.b === b)).toBe(true);
    expect(report.verdict.status).toBe('match');
    expect(new Set([...seen.captures.keys()].map((key) => key.split('/')[0]))).toEqual(
      new Set([a, `${a}-isolated`, b]),
    );
    const bounded = report.rows.some((row) => row.maxRatio !== undefined);
    expect(bounded).toBe(a === 'gpu' && b === 'cpu');
    // Activation quantisation, 0.7 % a product, lies between the llama.cpp-like engine and the others, and nowhere else.
    const quantised = [a, b].includes('cpu-ggml');
    const alone = worst(report, 'isolated', 'moe_expert_out');
    if (quantised) expect(alone).toBeGreaterThan(1e-3);
    else expect(alone).toBeLessThan(1e-6);
    expect(worst(report, 'isolated', 'ffn_norm')).toBeLessThan(1e-6);
  });

  it('are told apart in the sentence: what is alone where there are no bounds', async () => {
    const { verdict } = await run({ engines: ['cpu-ggml', 'cpu'] });
    expect(verdict.sentence).toMatch(
      /^MATCH: .*; relative L2 of a stage alone at most 0\.\d+; free-running relative L2/,
    );
  });

  it('take the forced experts of the reference', async () => {
    const report = await run({ engines: ['cpu-ggml', 'cpu'], mode: 'free', routing: 'reference' });
    expect(report.rows.filter((row) => row.stage === 'moe_router_indices').every((row) => row.jaccard === 1)).toBe(
      true,
    );
  });
});

describe('arms that make no run', () => {
  it.each<readonly [string, readonly RunEngineId[]]>([
    ['none', []],
    ['three', ENGINE_IDS],
    ['the reference first', ['cpu', 'gpu']],
    ['one twice', ['cpu', 'cpu']],
  ])('%s', async (_what, engines) => {
    await expect(run({ engines })).rejects.toMatchObject({ code: 'usage' });
  });

  it('no GPU engine to put a fault into', async () => {
    await expect(run({ engines: ['cpu-ggml', 'cpu'], inject: ['nan@layer=0'] })).rejects.toMatchObject({
      code: 'fault-spec',
    });
  });
});

describe('one engine alone', () => {
  it.each(ENGINE_IDS)('%s captures and compares nothing', async (engine) => {
    const report = await run({ engines: [engine] });
    expect(report.verdict).toMatchObject({ status: 'incomplete', sentence: expect.stringContaining(engine) as string });
    expect(report.rows).toEqual([]);
    expect(report.poison).toBeUndefined();
  });

  it('is not finite by itself', async () => {
    const report = await run({ engines: ['gpu'], inject: ['nan@layer=1,tensor=ffn_gate_exps'] });
    expect(report.verdict.status).toBe('not-finite');
    expect(report.verdict.sentence).toMatch(
      /^NOT FINITE: first at layer 1, moe_expert_gate, token \d, expert \d \(blk\.1\.ffn_gate_exps\.weight, Q4_K\): NaN$/,
    );
    expect(report.run.injected).toEqual([{ spec: 'nan@layer=1,tensor=ffn_gate_exps', visible: true }]);
  });

  it('hides a fault that leaves its values finite, and says so', async () => {
    const report = await run({ engines: ['gpu'], inject: ['no-renorm@layer=1'] });
    expect(report.verdict.sentence).toContain('the engine runs alone: nothing is compared');
  });
});

describe('the first value that is not finite, in the report', () => {
  it.each(['both', 'free', 'isolated'] as const)(
    'of the engine that has it, with its run-up: mode %s',
    async (mode) => {
      const report = await run({ mode, inject: ['inf@layer=0,tensor=ffn_up_exps'] });
      expect(report.poison?.b).toBeUndefined();
      const { a } = report.poison ?? {};
      expect(a).toMatchObject({ arm: 'gpu', mode: mode === 'isolated' ? 'isolated' : 'free', layer: 0 });
      expect(a?.stage).toBe('moe_expert_up');
      expect(a?.spread[0]).toMatchObject({ layer: 0, stage: 'moe_expert_up' });
      expect(a?.spread.length).toBe(mode === 'isolated' ? 1 : a?.spread.length);
      if (mode !== 'isolated') expect(a?.spread.length).toBeGreaterThan(20);
      expect(a?.runUp.at(-1)).toMatchObject({ layer: 0, stage: 'moe_expert_gate' });
      expect(a?.runUp[0]).toMatchObject({ layer: undefined, stage: 'embedding' });
      expect(a?.runUp.every((captured) => captured.absMax > 0 && captured.absMin <= captured.absMax)).toBe(true);
      const row = report.rows.find((r) => r.stage === a?.stage && r.layer === 0 && r.mode === a.mode);
      expect(row?.firstNonFiniteA).toEqual(a?.index);
    },
  );
});

describe('ratios in the report', () => {
  it('count every element of a bounded row, and products have their statistical estimate', async () => {
    const report = await run({ mode: 'isolated' });
    for (const row of report.rows.filter((r) => r.maxRatio !== undefined)) {
      expect(
        row.ratios?.reduce((sum, n) => sum + n, 0),
        row.stage,
      ).toBe(row.count);
      expect(row.ratios?.slice(-2), row.stage).toEqual([0, 0]);
    }
    const products = report.rows.filter((row) => row.maxEstimate !== undefined);
    expect(new Set(products.map((row) => row.stage))).toEqual(
      new Set([
        'q_proj',
        'k_proj',
        'v_proj',
        'attn_out',
        'moe_router_logits',
        'moe_expert_gate',
        'moe_expert_up',
        'moe_expert_out',
        'lm_head',
      ]),
    );
    for (const row of products) expect(row.maxEstimate, row.stage).toBeLessThan(1);
    const half = await run({ mode: 'isolated', inject: ['f16-accumulate@layer=1,tensor=attn_q'] });
    const spoiled = half.rows.find((row) => row.layer === 1 && row.stage === 'q_proj');
    expect(spoiled?.maxEstimate).toBeGreaterThan(100);
  });
});

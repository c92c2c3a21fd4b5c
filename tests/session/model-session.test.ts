import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { ACTIVE_STAGES } from '../support/stages';
import type { ModelSession } from '../../src/session/model-session';
import { makeModel } from '../support/gguf-models';
import { goldenModelPath } from '../support/golden';
import { quickest } from '../support/quickest';
import { BOTH, recorder, TEST_HOST, testSession } from '../support/session';

const TOKENS = [257, 300, 31, 410];
let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q4_k_m'));
});
afterAll(() => session.dispose());

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof TracerError ? error.code : error),
  );
const bits = (data: ArrayLike<number> | undefined): readonly number[] =>
  data === undefined ? [] : [...new Uint32Array(Float32Array.from(data).buffer)];

describe('a run of both engines', () => {
  it('tells its story in order and ends with a report that matches', async () => {
    const seen = recorder();
    const report = await session.run({ ...BOTH, tokens: TOKENS }, seen);
    const types = seen.events
      .filter((e) => e.type !== 'progress')
      .map((e) => (e.type === 'rows' ? `rows ${e.layer ?? 'model'}` : e.type));
    expect(types).toEqual(['started', 'rows model', 'rows 0', 'rows 1', 'rows model', 'done']);
    const phases = new Set(seen.events.flatMap((e) => (e.type === 'progress' ? [e.progress.phase] : [])));
    expect([...phases]).toEqual(['prepare', 'embed', 'layers', 'head', 'report']);
    expect(report.verdict.status).toBe('match');
    expect(report.verdict.sentence).toMatch(
      /^MATCH: 2 layers, 27 stages, 4 tokens agree; largest error 0\.\d+ x its bound/,
    );
    expect(report.adapter?.isSoftware).toBe(true);
    for (const mode of ['free', 'isolated'] as const) {
      const rows = report.rows.filter((row) => row.mode === mode);
      expect(new Set(rows.map((row) => row.stage))).toEqual(new Set(ACTIVE_STAGES));
      expect(rows.every((row) => row.verdict === 'match')).toBe(true);
    }
    expect(report.routing).toHaveLength(2 * TOKENS.length);
    expect(report.top.a.map((t) => t.token)).toEqual(report.top.b.map((t) => t.token));
  });

  it('gives the same bits twice, and the same logits whether anything is captured or not', async () => {
    const first = recorder();
    const second = recorder();
    const bare = recorder();
    await session.run({ ...BOTH, tokens: TOKENS }, first);
    await session.run({ ...BOTH, tokens: TOKENS }, second);
    await session.run({ ...BOTH, tokens: TOKENS, stages: 'lm_head', mode: 'free' }, bare);
    expect(first.captures.size).toBeGreaterThan(100);
    for (const [key, captured] of first.captures)
      expect(bits(second.captures.get(key)?.data), key).toEqual(bits(captured.data));
    for (const engine of ['gpu', 'cpu']) {
      expect(bits(bare.captures.get(`${engine}/-/lm_head`)?.data)).toEqual(
        bits(first.captures.get(`${engine}/-/lm_head`)?.data),
      );
    }
  });

  it('captures exactly the plan: stages, layers and positions', async () => {
    const seen = recorder();
    const report = await session.run(
      { ...BOTH, tokens: TOKENS, stages: 'MoeRouter,ffn_out', layers: '1..9', positions: 'last' },
      seen,
    );
    expect([...seen.captures.keys()].sort()).toEqual([
      'cpu/1/moe_router',
      'gpu-isolated/1/moe_router',
      'gpu/1/moe_router',
    ]);
    expect(seen.captures.get('gpu/1/moe_router')?.positions).toEqual([3]);
    expect(report.rows.map((row) => [row.mode, row.layer, row.stage, row.verdict])).toEqual([
      ['free', 1, 'moe_router', 'match'],
      ['free', 1, 'ffn_out', 'not-applicable'],
      ['isolated', 1, 'moe_router', 'match'],
      ['isolated', 1, 'ffn_out', 'not-applicable'],
    ]);
    expect(report.top.a).toHaveLength(5);
  });

  it('isolates without running free', async () => {
    const seen = recorder();
    const report = await session.run({ ...BOTH, tokens: TOKENS, mode: 'isolated' }, seen);
    expect(report.verdict.status).toBe('match');
    expect([...seen.captures.keys()].some((key) => key.startsWith('gpu/'))).toBe(false);
  });

  it('runs one engine alone and calls it incomplete, not a match', async () => {
    for (const engine of ['gpu', 'cpu'] as const) {
      const report = await session.run({ ...BOTH, tokens: TOKENS, engines: [engine] }, recorder());
      expect(report.verdict).toMatchObject({ status: 'incomplete' });
      expect(report.verdict.sentence).toContain(`only the ${engine} engine ran`);
      expect(report.rows).toEqual([]);
    }
  });
});

describe('a run that fails', () => {
  it.each([
    [{ tokens: [] }, 'prompt-empty'],
    [{ tokens: [512] }, 'prompt-token'],
    [{ tokens: [1.5] }, 'prompt-token'],
    [{ tokens: [1], stages: 'moe_rooter' }, 'plan-stage'],
    [{ tokens: [1], layers: '2..3' }, 'plan-range'],
    [{ tokens: [1], positions: '1' }, 'plan-range'],
  ])('with %j says %s as an event and as an error, and the next run works', async (spec, code) => {
    const seen = recorder();
    expect(await codeOf(session.run({ ...BOTH, ...spec }, seen))).toBe(code);
    expect(seen.events.at(-1)).toMatchObject({ type: 'failed', error: { code } });
    const report = await session.run({ ...BOTH, tokens: [1], stages: 'moe_router' }, recorder());
    expect(report.verdict.status).toBe('match');
  });

  it('refuses a second run while one is under way', async () => {
    const first = session.run({ ...BOTH, tokens: [1] }, recorder());
    expect(await codeOf(session.run({ ...BOTH, tokens: [1] }, recorder()))).toBe('run-busy');
    await first;
  });

  it('without a GPU says so and leaves the reference to run', async () => {
    const { openDevice } = await import('../../src/gpu/device');
    const blind = await testSession(goldenModelPath('mini-q8_0'), {
      ...TEST_HOST,
      openGpu: () => openDevice(undefined, { adapter: 'any' }),
    });
    expect(await codeOf(blind.run({ ...BOTH, tokens: [1] }, recorder()))).toBe('gpu-unavailable');
    const alone = await blind.run({ ...BOTH, tokens: [1], engines: ['cpu'] }, recorder());
    expect(alone.adapter).toBeUndefined();
    await blind.dispose();
  });
});

describe('cancelling', () => {
  it('ends the run within half a second wherever it is, and the next run works', async () => {
    const long = await testSession(goldenModelPath('tiny-moe-6x16'));
    const tokens = Array.from({ length: 24 }, (_, i) => 300 + i);
    const cancelled = async (delay: number): Promise<number> => {
      const abort = new AbortController();
      const seen = recorder();
      let asked = 0;
      setTimeout(() => {
        asked = performance.now();
        abort.abort();
      }, delay);
      expect(await codeOf(long.run({ ...BOTH, tokens }, { ...seen, signal: abort.signal }))).toBe('run-cancelled');
      const taken = performance.now() - asked;
      expect(seen.events.at(-1)?.type).toBe('cancelled');
      return taken;
    };
    for (const delay of [30, 400, 1500]) {
      expect(await quickest(500, () => cancelled(delay)), `cancelled after ${delay} ms`).toBeLessThan(500);
    }
    const report = await long.run({ ...BOTH, tokens: [605, 432], stages: 'moe_router,moe_ffn_out' }, recorder());
    expect(report.verdict.status).toBe('match');
    await long.dispose();
  });
});

describe('a model whose own weights are not finite', () => {
  it('is not finite on both engines, at the stage that first reads them', async () => {
    const bytes = makeModel({ seed: 7, type: 'F32' });
    const { openModel } = await import('../../src/gguf/open-model');
    const { memorySource } = await import('../../src/gguf/memory-source');
    const model = await openModel([memorySource(bytes, 'nan.gguf')]);
    const tensor = model.tensors.get('blk.1.attn_output.weight');
    new DataView(bytes.buffer).setFloat32(tensor?.offset ?? 0, NaN, true);
    const nonFinite = await testSession(bytes);
    const report = await nonFinite.run({ ...BOTH, tokens: [1, 2] }, recorder());
    expect(report.verdict.status).toBe('not-finite');
    expect(report.verdict.first).toMatchObject({ layer: 1, stage: 'attn_out', tensor: 'blk.1.attn_output.weight' });
    expect(report.verdict.others).toBeUndefined();
    await nonFinite.dispose();
  });
});

import { describe, expect, it, vi } from 'vitest';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { readHParams } from '../../src/model/read-hparams';
import { randomTokens, runBench } from '../../src/session/bench';
import { median, traceCostOf } from '../../src/session/bench-decode';
import { benchEngine } from '../../src/session/bench-engine';
import { bytesPerToken } from '../../src/session/token-bytes';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { makeModel, SMALL_SHAPE } from '../support/gguf-models';
import { TEST_HOST } from '../support/session';

async function openSmall(tied = false) {
  const model = await openModel([memorySource(makeModel({ type: 'Q8_0', tied, seed: 8 }), 'made.gguf')]);
  return { model, hparams: readHParams(model) };
}

const SIZES = { promptTokens: 5, newTokens: 3, repeats: 2 };

describe('runBench', () => {
  it('measures the GPU engine: rates, dispatches, shares that add up', async () => {
    const phases: string[] = [];
    const onPhase = (phase: string): void => {
      phases.push(phase);
    };
    const report = await runBench({ ...(await openSmall()), ...SIZES, host: TEST_HOST, engine: 'gpu', onPhase });
    expect(report.prefill.runs).toHaveLength(2);
    expect(report.decode.runs).toHaveLength(3);
    expect(report.prefill.tokensPerSecond).toBeCloseTo(5000 / median(report.prefill.runs));
    expect(report.decode.bytesPerSecond).toBeCloseTo(report.decode.bytesPerToken * report.decode.tokensPerSecond);
    expect(report.decode.shareOfRead).toBeCloseTo(report.decode.bytesPerSecond / (report.readBandwidth ?? NaN));
    expect(report.load.firstLayerMs).toBeLessThan(report.load.firstPromptMs);
    expect(report.load.bytesRead).toBeGreaterThan(10_000);
    // A layer has at least its five products, and a token at least one submit and one readback.
    expect(report.decode.dispatchesPerToken).toBeGreaterThan(5 * SMALL_SHAPE.nLayer);
    expect(report.decode.submitsPerToken).toBeGreaterThanOrEqual(1);
    expect(report.decode.readbacksPerToken).toBeGreaterThanOrEqual(1);
    const kernels = report.kernels ?? [];
    expect(kernels.reduce((sum, kernel) => sum + kernel.share, 0)).toBeCloseTo(1);
    // Profiled tokens choose other experts: the count of products may differ by a few.
    const timed = kernels.reduce((sum, kernel) => sum + kernel.dispatchesPerToken, 0);
    expect(Math.abs(timed / (report.decode.dispatchesPerToken ?? NaN) - 1)).toBeLessThan(0.2);
    expect(report.memory.gpuWeightBytes).toBeGreaterThan(0);
    expect(phases.at(0)).toBe('opening the device');
    expect(report).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it('says how long a prompt still takes, and what it has measured so far', async () => {
    const clock = vi.spyOn(performance, 'now');
    let now = 0;
    // Each look at the clock is two seconds later.
    clock.mockImplementation(() => (now += 2000));
    const phases: string[] = [];
    const measured: string[] = [];
    try {
      const hear = {
        onPhase: (phase: string) => phases.push(phase),
        onMeasured: (what: string) => measured.push(what),
      };
      await runBench({ ...(await openSmall(true)), ...SIZES, host: TEST_HOST, engine: 'cpu', ...hear });
    } finally {
      clock.mockRestore();
    }
    expect(phases).toContainEqual(
      expect.stringMatching(/^first prompt of 5 tokens, nothing loaded: layer 1 of \d, about [\d.]+ (s|min)/),
    );
    expect(phases).toContainEqual(expect.stringMatching(/^prompt of 5 tokens, 2 of 2: layer 1 of \d, about /));
    expect(measured).toHaveLength(3);
    expect(measured[1]).toMatch(/^prompt of 5 tokens, 1 of 2: .* tokens\/s$/);
  });

  it('measures the reference, without a device', async () => {
    const host = { ...TEST_HOST, openGpu: () => Promise.reject(new Error('no GPU is wanted')) };
    const report = await runBench({ ...(await openSmall(true)), ...SIZES, host, engine: 'cpu' });
    expect(report.adapter).toBeUndefined();
    expect(report.decode.tokensPerSecond).toBeGreaterThan(0);
    expect(report.decode.dispatchesPerToken).toBeUndefined();
    expect(report.decode.fileBytesPerToken).toBeGreaterThan(0.9 * report.decode.bytesPerToken);
  });

  it('measures the fast decoder where it is asked for: few dispatches, one submit and one readback a token', async () => {
    const options = { ...SIZES, newTokens: 20, repeats: 1, host: TEST_HOST, engine: 'gpu', decoder: 'fast' } as const;
    const report = await runBench({ ...(await openSmall()), ...options });
    const { decode } = report;
    // Embedding, head, the two halves of the search for the largest logit, and at most ten a layer.
    expect(decode.by).toMatchObject({ by: 'decoder', dispatches: decode.dispatchesPerToken, tuned: 'usual' });
    expect(decode.dispatchesPerToken).toBeLessThanOrEqual(10 * SMALL_SHAPE.nLayer + 4);
    expect(decode).toMatchObject({ submitsPerToken: 1, readbacksPerToken: 1, fileBytesPerToken: 0 });
    expect(decode.runs).toHaveLength(20);
    const mean = decode.runs.reduce((sum, ms) => sum + ms, 0) / 20;
    expect(decode.tokensPerSecond).toBeCloseTo(1000 / mean);
    expect(report.traceCost.tokensPerSecond).toBeGreaterThan(0);
    expect((report.kernels ?? []).map(({ kernel }) => kernel).join()).toContain('fusions/');
  }, 400_000);

  it('says why the engine decodes', async () => {
    const options = { ...SIZES, host: TEST_HOST, engine: 'gpu', gpuBudget: 50_000, decoder: 'fast' } as const;
    const { decode } = await runBench({ ...(await openSmall()), ...options });
    expect(decode.by).toMatchObject({ by: 'engine' });
    expect(JSON.stringify(decode.by)).toContain('the GPU budget is 50.0 kB');
  });

  it('takes another engine', async () => {
    const runs: number[][] = [];
    const report = await runBench({
      ...(await openSmall()),
      ...SIZES,
      host: TEST_HOST,
      engine: 'gpu',
      makeGpuTarget: () =>
        Promise.resolve({
          engine: {
            name: 'another',
            run: (tokens, nPast) => {
              runs.push([tokens.length, nPast]);
              return Promise.resolve(7);
            },
          },
          memory: () => ({ gpuWeightBytes: 123 }),
          dispose: () => Promise.resolve(),
        }),
    });
    expect(report.engine).toBe('another');
    expect(report.memory.gpuWeightBytes).toBe(123);
    expect(runs.slice(0, 3)).toEqual([
      [5, 0],
      [5, 0],
      [5, 0],
    ]);
    // Every later token stands behind all those before it.
    expect(runs.slice(3).map(([, nPast]) => nPast)).toEqual(runs.slice(3).map((_, i) => 5 + i));
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    const running = runBench({
      ...(await openSmall()),
      ...SIZES,
      host: TEST_HOST,
      engine: 'gpu',
      signal: abort.signal,
      onPhase: (phase) => {
        if (phase.startsWith('prompt')) abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'run-cancelled' });
  });
});

describe('its parts', () => {
  it('count the bytes of a token as a reader of the file would', async () => {
    for (const tied of [false, true]) {
      const { model, hparams } = await openSmall(tied);
      let expected = 0;
      for (const [name, { bytes }] of model.tensors) {
        if (name === 'token_embd.weight') expected += bytes / hparams.nVocab + (tied ? bytes : 0);
        else expected += name.includes('_exps') ? (bytes * 2) / 4 : bytes;
      }
      expect(bytesPerToken(model, hparams)).toBe(expected);
    }
  });

  it('choose the next token that the logits choose', async () => {
    const { model, hparams } = await openSmall();
    const cpu = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const engine = benchEngine('cpu', cpu, hparams);
    const layers: number[] = [];
    const next = await engine.run([1, 2, 3], 0, { capture: ['moe_router'], onLayer: (layer) => layers.push(layer) });
    expect(layers).toEqual([0, 1]);
    const { captures } = await cpu.end({ capture: new Map([['lm_head', [2]]]) });
    const logits = [...(captures.get('lm_head')?.data ?? [])];
    expect(logits[next]).toBe(Math.max(...logits));
  });

  it('are the same tokens each time, and a true median', () => {
    expect(randomTokens(4, 1000)).toEqual(randomTokens(8, 1000).slice(0, 4));
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, NaN]);
  });
});

describe('traceCostOf', () => {
  it('holds each run against the one beside it, so that a drift of both is none', () => {
    const turns = Array.from({ length: 9 }, (_, i) => ({ plain: 10 + i, traced: (10 + i) * 1.02 }));
    const cost = traceCostOf(turns);
    expect(cost.share).toBeCloseTo(0.02);
    expect(cost.pairs).toBe(9);
    expect(cost.spread[1] - cost.spread[0]).toBeCloseTo(0);
    // Quartiles 12 and 16 around 14.
    expect(cost.noise).toBeCloseTo(2 / 14);
  });

  it('keeps one slow run from moving the middle', () => {
    const turns = [10, 10, 10, 10, 10].map((plain, i) => ({ plain, traced: i === 2 ? 100 : 10.1 }));
    expect(traceCostOf(turns).share).toBeCloseTo(0.01);
  });
});

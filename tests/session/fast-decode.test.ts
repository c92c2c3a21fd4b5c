import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DecoderChoice } from '../../src/session/decoded-by';
import { FOLLOWED_PROMPT, type GeneratedToken } from '../../src/session/generate';
import type { Progress } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import { makeModel } from '../support/gguf-models';
import { goldenModelPath } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

/** SwiftShader compiles the decoder's kernels for half a minute, more beside other tests. */
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });

const TOKENS = [257, 300, 31, 410];
const GPU = { ...BOTH, engines: ['gpu'], tokens: TOKENS } as const;
const GPU_CPU = { ...BOTH, tokens: TOKENS } as const;

let session: ModelSession;
beforeAll(async () => {
  session = await testSession(goldenModelPath('mini-q8_0'));
});
afterAll(() => session.dispose());

async function said(
  spec: typeof GPU | typeof GPU_CPU,
  tokens: readonly number[],
  count: number,
  decoder?: DecoderChoice,
): Promise<readonly GeneratedToken[]> {
  const all: GeneratedToken[] = [];
  const end = await session.generate(spec, tokens, { count, decoder, onToken: (token) => all.push(token) });
  expect(end).toBe('count');
  return all;
}

const ids = (tokens: readonly GeneratedToken[]): readonly number[] => tokens.map(({ token }) => token);
const figures = (tokens: readonly GeneratedToken[]): unknown =>
  tokens.map(({ position, token, a }) => [position, token, a?.logit, a?.lead]);

describe('a continuation by the fast decoder', () => {
  it('makes the tokens of the engine and of the reference, and says who made them', async () => {
    const engine = await said(GPU, TOKENS, 8, 'engine');
    const fast = await said(GPU, TOKENS, 8, 'fast');
    expect(ids(fast)).toEqual(ids(engine));
    expect(engine[0]?.decodedBy).toEqual({ by: 'engine', why: 'as asked for' });
    expect(fast[0]?.decodedBy).toMatchObject({ by: 'decoder', tuned: 'usual' });
    const both = await said(GPU_CPU, TOKENS, 8, 'fast');
    expect(ids(both)).toEqual(ids(engine));
    expect(both.every(({ agree }) => agree === true)).toBe(true);
    // f32 in another order of sums: close, and not the engine's own bits.
    for (const [i, token] of fast.entries()) {
      expect(Math.abs((token.a?.logit ?? NaN) - (engine[i]?.a?.logit ?? NaN))).toBeLessThan(1e-4);
    }
  });

  it('has the same bits alone and beside the reference, in one go, in two, and after another run', async () => {
    const whole = await said(GPU, TOKENS, 6, 'fast');
    expect(figures(await said(GPU, TOKENS, 6, 'fast'))).toEqual(figures(whole));
    expect(figures(await said(GPU_CPU, TOKENS, 6, 'fast'))).toEqual(figures(whole));
    await session.run(GPU, recorder());
    const first = await said(GPU, TOKENS, 4, 'fast');
    const rest = await said(GPU, [...TOKENS, ...ids(first)], 2, 'fast');
    expect(figures([...first, ...rest])).toEqual(figures(whole));
    // Nothing is kept of another run: the tokens behind the prompt are decoded again, not run as a prompt.
    await session.run({ ...GPU, tokens: [5, 6] }, recorder());
    const again = await said(GPU, [...TOKENS, ...ids(first)], 2, 'fast');
    expect(figures(again)).toEqual(figures(rest));
  });

  it('runs a short prompt itself, and leaves a longer one to the engine', async () => {
    const layersOf = async (tokens: readonly number[]): Promise<number> => {
      let layers = 0;
      const onProgress = ({ phase, done }: Progress): void => {
        if (phase === 'layers') layers = Math.max(layers, done);
      };
      await session.generate({ ...GPU, tokens }, tokens, {
        count: 1,
        decoder: 'fast',
        onToken: () => undefined,
        onProgress,
      });
      return layers;
    };
    const long = Array.from({ length: FOLLOWED_PROMPT + 1 }, (_, i) => i + 1);
    // The engine tells its layers.
    expect(await layersOf(long)).toBeGreaterThan(0);
    expect(await layersOf(long.slice(1))).toBe(0);
    expect(await layersOf(long.slice(0, 2))).toBe(0);
  });

  it('changes no bit of a later trace', async () => {
    const before = recorder();
    await session.run({ ...GPU_CPU, mode: 'free' }, before);
    await said(GPU_CPU, TOKENS, 3, 'fast');
    const after = recorder();
    await session.run({ ...GPU_CPU, mode: 'free' }, after);
    expect([...after.captures.keys()]).toEqual([...before.captures.keys()]);
    for (const [key, captured] of before.captures) expect(after.captures.get(key)?.data, key).toEqual(captured.data);
  });

  it('is cancelled within a token or two, and goes on afterwards', async () => {
    const abort = new AbortController();
    const running = session.generate(GPU, TOKENS, {
      count: 1000,
      decoder: 'fast',
      signal: abort.signal,
      onToken: ({ position }) => {
        if (position === 6) abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(ids(await said(GPU, TOKENS, 2, 'fast'))).toEqual(ids(await said(GPU, TOKENS, 2, 'engine')));
  });
});

describe('the engine decodes itself', () => {
  it('on a software adapter, unless asked for the other', async () => {
    const [token] = await said(GPU, TOKENS, 1);
    // The decoder is open by now, and what is open is used.
    expect(token?.decodedBy).toMatchObject({ by: 'decoder' });
    const fresh = await testSession(goldenModelPath('mini-q8_0'));
    const all: GeneratedToken[] = [];
    await fresh.generate(GPU, TOKENS, { count: 1, onToken: (t) => all.push(t) });
    expect(all[0]?.decodedBy).toEqual({ by: 'engine', why: 'the engine is the faster one on a software adapter' });
    const tight = { ...GPU, gpuBudget: 1_000_000 };
    await fresh.generate(tight, TOKENS, { count: 1, decoder: 'fast', onToken: (t) => all.push(t) });
    expect(all[1]?.decodedBy).toMatchObject({ by: 'engine' });
    expect(JSON.stringify(all[1]?.decodedBy)).toMatch(/all weights take [\d.]+ MB, the GPU budget is 1\.00 MB/);
    await fresh.dispose();
  });

  it('a shape that the kernels do not take', async () => {
    // Hidden channels that are no multiple of 32 exist in one-block types only.
    const odd = await testSession(makeModel({ type: 'F32', shape: { nFfExp: 40 }, seed: 3 }));
    const all: GeneratedToken[] = [];
    const spec = { ...GPU, tokens: [1, 2, 3] };
    await odd.generate(spec, [1, 2, 3], { count: 2, decoder: 'fast', onToken: (t) => all.push(t) });
    expect(all).toHaveLength(2);
    expect(JSON.stringify(all[0]?.decodedBy)).toContain('nFfExp 40 is no multiple of 32');
    await odd.dispose();
  });

  it('with faults in its stages', async () => {
    const all: GeneratedToken[] = [];
    const spec = { ...GPU, inject: ['no-renorm@layer=1'] };
    await session.generate(spec, TOKENS, { count: 2, decoder: 'fast', onToken: (t) => all.push(t) });
    expect(all[0]?.decodedBy).toEqual({ by: 'engine', why: 'faults are injected into its stages' });
  });

  it('where the reference runs alone there is nothing to say', async () => {
    const all: GeneratedToken[] = [];
    const spec = { ...BOTH, engines: ['cpu'], tokens: TOKENS } as const;
    await session.generate(spec, TOKENS, { count: 1, onToken: (t) => all.push(t) });
    expect(all[0]).not.toHaveProperty('decodedBy');
  });
});

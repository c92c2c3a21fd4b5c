import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunMode } from '../../src/divergence/run-mode';
import type { RunSpec } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import { longestThatFits, runMemory } from '../../src/session/run-memory';
import { tracerErrorOf } from '../support/errors';
import { makeModel } from '../support/gguf-models';
import { recorder, TEST_HOST, testSession } from '../support/session';

const bytes = makeModel({ type: 'Q4_0' });
const TOKENS = Array.from({ length: 17 }, (_, i) => (7 * i) % 200);
const asked = (mode: RunMode, positions: string): RunSpec => {
  return { engines: ['gpu', 'cpu'], mode, stages: 'all', layers: 'all', positions, tokens: TOKENS };
};
let session: ModelSession;
beforeAll(async () => {
  session = await testSession(bytes);
});
afterAll(() => session.dispose());

describe('the memory of a run', () => {
  it.each([
    ['local,free', 'all'],
    ['local,free', 'last'],
    ['free', '2..9'],
    ['isolated', 'all'],
    ['local,isolated,free', 'all'],
  ] as const)('is known before it begins: %s of %s positions', async (mode, positions) => {
    const spec = asked(mode, positions);
    const report = await session.run(spec, recorder());
    const { traceBytes, needBytes } = runMemory(spec, session.hparams, TOKENS.length);
    expect(traceBytes / report.memory.traceBytes).toBeGreaterThan(0.99);
    expect(traceBytes / report.memory.traceBytes).toBeLessThan(1.01);
    expect(needBytes).toBeGreaterThan(traceBytes);
  });

  it('of engines that run alone is theirs alone', async () => {
    for (const engine of ['gpu', 'cpu'] as const) {
      const spec = { ...asked('free', 'all'), engines: [engine] };
      const report = await session.run(spec, recorder());
      expect(runMemory(spec, session.hparams, TOKENS.length).traceBytes).toBe(report.memory.traceBytes);
    }
  });
});

describe('a prompt that does not fit', () => {
  const long = Array.from({ length: 3000 }, (_, i) => i % 200);
  const memoryBytes = 64 * 2 ** 20;

  it('is refused before anything runs, with the longest that does', async () => {
    let opened = 0;
    const small = await testSession(bytes, {
      ...TEST_HOST,
      memoryBytes,
      openGpu: () => {
        opened++;
        return TEST_HOST.openGpu();
      },
    });
    const spec = { ...asked('local,free', 'all'), tokens: long };
    const seen = recorder();
    const error = await tracerErrorOf(() => small.run(spec, seen));
    expect(error.code).toBe('prompt-length');
    const longest = Number(error.detail['longest']);
    expect(error.remedy).toContain(`at most ${longest} tokens`);
    expect(opened).toBe(0);
    expect(seen.events.map(({ type }) => type)).toEqual(['failed']);
    expect(runMemory(spec, small.hparams, longest).needBytes).toBeLessThanOrEqual(memoryBytes);
    expect(runMemory(spec, small.hparams, longest + 1).needBytes).toBeGreaterThan(memoryBytes);
    const report = await small.run({ ...spec, tokens: long.slice(0, 40) }, recorder());
    expect(report.verdict.status).toBe('match');
    await small.dispose();
  });

  it('may fit at its last position', () => {
    const spec = asked('local,free', 'last');
    expect(runMemory(spec, session.hparams, 3000).needBytes).toBeLessThan(memoryBytes);
    expect(longestThatFits(spec, session.hparams, 100_000, memoryBytes)).toBeGreaterThan(3000);
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import type { RunMode } from '../../src/divergence/run-mode';
import type { RunSpec } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import { makeModel } from '../support/gguf-models';
import { codeOf } from '../support/errors';
import { watchLoop } from '../support/loop-watch';
import { quickest } from '../support/quickest';
import { testSession } from '../support/session';

/** What a cancel may take. */
const ANSWER_MS = 500;
/** What one thread may compute without a look at its messages: half of that, so that a slower machine has as much again. */
const STRETCH_MS = 250;
/** Stretches are measured a few times: what else the machine does only ever adds. */
const ATTEMPTS = 5;

/** The scores of the longer prompt are 8 million a layer: what a real model has of 300 tokens. */
const SHAPE = { nLayer: 1, nEmbd: 64, nHead: 2, nHeadKv: 1, headDim: 32, nExpert: 4, nExpertUsed: 2, nFfExp: 32 };
const PROMPTS = [
  { nTokens: 300, modes: ['local,free', 'local,isolated,free'] },
  { nTokens: 2003, modes: ['local,free'] },
] as const satisfies readonly { nTokens: number; modes: readonly RunMode[] }[];

const CASES = PROMPTS.flatMap(({ nTokens, modes }) => modes.map((mode) => ({ nTokens, mode })));

function specOf(session: ModelSession, nTokens: number, mode: RunMode): RunSpec {
  const random = seededRandom(nTokens);
  const tokens = Array.from({ length: nTokens }, () => random.below(session.hparams.nVocab));
  return { engines: ['gpu', 'cpu'], mode, stages: 'all', layers: 'all', positions: 'all', tokens };
}

describe('a run lets the event loop go on', () => {
  it.each(CASES)('of $nTokens tokens, $mode', { timeout: 300_000 }, async ({ nTokens, mode }) => {
    const stretches: { readonly ms: number; readonly during: string }[] = [];
    while (stretches.length < ATTEMPTS && !stretches.some(({ ms }) => ms < STRETCH_MS)) {
      stretches.push(await longestStretch(nTokens, mode));
    }
    const { ms, during } = stretches.reduce((x, y) => (x.ms <= y.ms ? x : y));
    expect(ms, `longest stretch, before ${during}`).toBeLessThan(STRETCH_MS);
  });
});

describe('a cancel is answered within half a second', () => {
  // After so many milliseconds of a run: while the GPU computes, and while the reference and the comparison do.
  const delays = { 300: [20, 100, 250], 2003: [50, 1000, 4000] };
  it.each(PROMPTS)('of $nTokens tokens', { timeout: 300_000 }, async ({ nTokens, modes: [mode] }) => {
    const session = await testSession(makeModel({ shape: SHAPE, type: 'Q4_0' }));
    const spec = specOf(session, nTokens, mode);
    for (const delay of delays[nTokens]) {
      const latency = await quickest(ANSWER_MS, () => cancelled(session, spec, delay));
      expect(latency, `cancelled after ${delay} ms`).toBeLessThan(ANSWER_MS);
    }
    await session.dispose();
  });
});

/** What a run computes at most without a look at its messages, and where. */
async function longestStretch(
  nTokens: number,
  mode: RunMode,
): Promise<{ readonly ms: number; readonly during: string }> {
  const session = await testSession(makeModel({ shape: SHAPE, type: 'Q4_0' }));
  let phase = '';
  const loop = watchLoop(() => phase);
  const report = await session.run(specOf(session, nTokens, mode), {
    onEvent: (event) => {
      phase = event.type === 'progress' ? `${event.progress.phase} ${event.progress.done}` : event.type;
    },
  });
  const stretch = await loop.stop();
  await session.dispose();
  expect(report.verdict.status, report.verdict.sentence).toBe('match');
  return stretch;
}

/** Milliseconds from the moment that a cancel is due to the end of the run. */
async function cancelled(session: ModelSession, spec: RunSpec, delay: number): Promise<number> {
  const abort = new AbortController();
  const due = performance.now() + delay;
  setTimeout(() => {
    abort.abort();
  }, delay);
  const code = await codeOf(() => session.run(spec, { onEvent: () => undefined, signal: abort.signal }));
  expect(code).toBe('run-cancelled');
  return performance.now() - due;
}

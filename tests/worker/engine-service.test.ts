import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import type { RunSpec } from '../../src/session/events';
import type { GeneratedToken } from '../../src/session/generate';
import { EngineService } from '../../src/worker/engine-service';
import { goldenModelPath } from '../support/golden';
import { BOTH, TEST_HOST } from '../support/session';

const SPEC: RunSpec = { ...BOTH, tokens: [257, 300, 31, 410] };
const MODEL = Uint8Array.from(readFileSync(goldenModelPath('mini-q4_k_m')));
const silent = (): void => undefined;

async function service(captureBudget?: number): Promise<EngineService> {
  const made = new EngineService(TEST_HOST, 1, captureBudget);
  await made.open([{ kind: 'memory', name: 'mini.gguf', bytes: MODEL }]);
  return made;
}

let roomy: EngineService;
beforeAll(async () => {
  roomy = await service();
  await roomy.run(SPEC, silent);
});
afterAll(() => roomy.dispose());

describe('events of a run', () => {
  it('have arrived when the run is over, however slow the thread that takes them', async () => {
    const made = await service();
    const arrived: string[] = [];
    let before: Promise<void> = Promise.resolve();
    // As comlink has it: each event is a promise of its arrival, in order.
    const slow = (event: { readonly type: string }): Promise<void> => {
      before = before
        .then(() => new Promise((resolve) => setTimeout(resolve, 5)))
        .then(() => {
          arrived.push(event.type);
        });
      return before;
    };
    try {
      await made.run({ ...SPEC, engines: ['cpu'], mode: 'free', tokens: [257] }, (event) => void slow(event));
      expect(arrived).not.toContain('done');
      arrived.length = 0;
      await made.run({ ...SPEC, engines: ['cpu'], mode: 'free', tokens: [257] }, slow);
      expect(arrived.at(-1)).toBe('done');
    } finally {
      await made.dispose();
    }
  });
});

describe('the inspector', () => {
  it('slices every planned stage of the last run, free-running and isolated', async () => {
    const free = roomy.captureSlice({ layer: 1, stage: 'moe_expert_out', position: 2, mode: 'free' });
    const isolated = roomy.captureSlice({ layer: 1, stage: 'moe_expert_out', position: 2, mode: 'isolated' });
    if (free.kind !== 'slice' || isolated.kind !== 'slice') throw new Error('not kept');
    expect(free.slice.ratios).toBeUndefined();
    expect(isolated.slice.ratios?.reduce((x, y) => x + y)).toBe(isolated.slice.count);
    expect(isolated.slice.worst[0]?.ratio).toBeGreaterThan(0);
    expect(isolated.slice.worst[0]?.ratio).toBeLessThan(1);
    expect(free.slice.values.b).toEqual(isolated.slice.values.b);
    const head = roomy.captureSlice({ layer: undefined, stage: 'lm_head', position: 3, mode: 'free' });
    expect(head.kind).toBe('slice');
    expect(roomy.captureSlice({ layer: 1, stage: 'moe_router', position: 99, mode: 'free' }).kind).toBe('absent');
    await Promise.resolve();
  });

  it('says what was given up for want of room, and has it back by running to that layer', async () => {
    const tight = await service(40_000);
    try {
      await tight.run(SPEC, silent);
      const place = { layer: 1, stage: 'moe_expert_gate', position: 2, mode: 'isolated' } as const;
      const before = tight.captureSlice(place);
      expect(before.kind).toBe('dropped');
      expect(before.usage.bytes).toBeLessThanOrEqual(40_000);
      expect(tight.captureSlice({ ...place, stage: 'moe_ffn_out' }).kind).toBe('slice');
      const after = await tight.fetchCaptures(place);
      const whole = roomy.captureSlice(place);
      if (after.kind !== 'slice' || whole.kind !== 'slice') throw new Error('not fetched');
      expect(after.slice).toEqual(whole.slice);
      expect(tight.captureSlice(place).kind).toBe('slice');
    } finally {
      await tight.dispose();
    }
  });

  it('has nothing before a run, and says so', async () => {
    const fresh = await service();
    const place = { layer: 0, stage: 'moe_router', position: 0, mode: 'free' } as const;
    expect(fresh.captureSlice(place).kind).toBe('absent');
    await expect(fresh.fetchCaptures(place)).rejects.toMatchObject({ code: 'usage' });
    await fresh.dispose();
  });
});

describe('continuing', () => {
  const collect = async (tokens: readonly number[], count: number): Promise<GeneratedToken[]> => {
    const said: GeneratedToken[] = [];
    await roomy.generate(SPEC, tokens, count, (token) => said.push(token));
    return said;
  };

  it('goes on from the kept keys and values as if it had begun afresh', async () => {
    await roomy.run(SPEC, silent);
    const kept = await collect(SPEC.tokens, 4);
    expect(kept.map((t) => t.position)).toEqual([4, 5, 6, 7]);
    expect(kept.every((t) => t.agree === true && t.a?.token === t.token)).toBe(true);
    const more = await collect([...SPEC.tokens, ...kept.map((t) => t.token)], 2);
    await roomy.run({ ...SPEC, tokens: [31, 31], stages: 'moe_router' }, silent);
    const afresh = await collect(SPEC.tokens, 6);
    expect(afresh.map((t) => [t.token, t.a?.logit, t.b?.logit])).toEqual(
      [...kept, ...more].map((t) => [t.token, t.a?.logit, t.b?.logit]),
    );
  });

  it('is cancelled like a run, and is busy meanwhile', async () => {
    const running = roomy.generate(SPEC, SPEC.tokens, 1000, silent).catch((error: unknown) => error);
    await expect(roomy.run(SPEC, silent)).rejects.toMatchObject({ code: 'run-busy' });
    await roomy.cancel();
    const error = await running;
    expect(error instanceof TracerError && error.code).toBe('run-cancelled');
    expect((await collect(SPEC.tokens, 1)).length).toBe(1);
  });
});

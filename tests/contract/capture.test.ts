import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { Capture } from '../../src/model/engine';
import type { RunSpec } from '../../src/session/events';
import type { ModelSession } from '../../src/session/model-session';
import { goldenModelPath } from '../support/golden';
import { selectPositions } from '../../src/trace/select-positions';
import { BOTH, recorder, testSession, type Recorded } from '../support/session';

const TOKENS = [257, 300, 31, 410, 9];
const open = (): Promise<ModelSession> => testSession(goldenModelPath('deep-q8_0'));

let session: ModelSession;
let whole: Recorded;
beforeAll(async () => {
  session = await open();
  whole = (await run()).seen;
});
afterAll(() => session.dispose());

async function run(
  spec: Partial<RunSpec> = {},
  on = session,
): Promise<{ readonly seen: Recorded; readonly report: Report }> {
  const seen = recorder();
  const tokens = TOKENS.map((id) => id % session.hparams.nVocab);
  const report = await on.run({ ...BOTH, tokens, ...spec }, seen);
  return { seen, report };
}

function bits(captured: Capture | undefined): string {
  if (captured === undefined) throw new Error('no capture');
  return new Uint32Array(captured.data.buffer, captured.data.byteOffset, captured.data.length).join();
}

describe('SUB-002 and purity: capturing changes no bit', () => {
  const plans: readonly Partial<RunSpec>[] = [
    { stages: 'moe_router' },
    { stages: 'attn_scores,moe_expert_up', layers: '1..3' },
    { layers: '3', positions: '2..4' },
    { positions: 'last' },
    { mode: 'free' },
    { mode: 'isolated' },
    { mode: 'free', stages: 'embedding,lm_head' },
    { routing: 'reference' },
  ];
  it.each(plans)('of any stage, with plan %j', async (plan) => {
    const { seen } = await run(plan);
    expect(seen.captures.size).toBeGreaterThan(0);
    for (const [key, captured] of seen.captures) {
      const same = whole.captures.get(key);
      if (same === undefined) throw new Error(`${key} is not in the whole trace`);
      expect(bits(captured), key).toBe(bits(selectPositions(same, captured.positions)));
    }
  });

  it.each(['gpu', 'cpu'] as const)(
    'of the %s engine when the other does not run, or nothing but the head is kept',
    async (engine) => {
      for (const plan of [{ engines: [engine] }, { mode: 'free', stages: 'lm_head' }] as const) {
        const { seen } = await run(plan);
        expect(bits(seen.captures.get(`${engine}/-/lm_head`))).toBe(bits(whole.captures.get(`${engine}/-/lm_head`)));
      }
    },
  );
});

describe('determinism', () => {
  /** A report without what a clock and a warm cache say. */
  const timeless = (report: Report): unknown =>
    Object.entries(report).filter(([key]) => !['created', 'timing', 'memory'].includes(key));

  it('two runs, and a run of another session, give the same bits and the same report', async () => {
    const first = await run();
    const again = await run();
    const other = await open();
    const elsewhere = await run({}, other);
    await other.dispose();
    for (const { seen, report } of [again, elsewhere]) {
      expect([...seen.captures.keys()]).toEqual([...whole.captures.keys()]);
      for (const [key, captured] of seen.captures) expect(bits(captured), key).toBe(bits(whole.captures.get(key)));
      expect(timeless(report)).toEqual(timeless(first.report));
    }
  });
});

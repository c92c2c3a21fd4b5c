import { describe, expect, it, vi } from 'vitest';
import type { CaptureAnswer } from '../../src/session/capture-inspector';
import { createAppStore, type AppStore } from '../../src/store/app-store';
import { fakeClient, type FakeClient, type FakeOptions } from '../support/fake-client';
import { quietHost } from '../support/page-host';
import { generateReport } from '../support/reports';
import { generateSlice } from '../support/slices';

const report = generateReport({ kind: 'qtype-blind' });
const USAGE = { bytes: 1000, budget: 2000, kept: 3, dropped: 1 };
const SLICE: CaptureAnswer = { kind: 'slice', usage: USAGE, slice: generateSlice() };

async function ranPage(options: Partial<FakeOptions>): Promise<{ store: AppStore; client: FakeClient }> {
  const client = fakeClient({ report, ...options });
  const store = createAppStore(client, quietHost(generateReport({ kind: 'clean', nTokens: 4 })));
  await store.actions.start();
  expect(store.getState().inspection).toBeUndefined();
  await store.actions.runSample();
  return { store, client };
}

describe('inspection', () => {
  it('asks for the place in hand after a run, and for each place that is chosen', async () => {
    const { store, client } = await ranPage({ captures: () => SLICE });
    await vi.waitFor(() => {
      expect(store.getState().inspection?.answer?.kind).toBe('slice');
    });
    expect(client.asked).toEqual(['2 moe_expert_out 0 isolated']);
    store.actions.select({ layer: 3, stage: 'moe_router', position: 5 });
    store.actions.select({ layer: 3, stage: 'moe_router', position: 6 });
    store.actions.setBasis('free');
    expect(client.asked.slice(1)).toEqual([
      '3 moe_router 5 isolated',
      '3 moe_router 6 isolated',
      '3 moe_router 6 free',
    ]);
    store.actions.select({ layer: undefined, stage: 'lm_head', position: undefined });
    expect(client.asked.at(-1)).toMatch(/^undefined lm_head \d+ free$/);
  });

  it('asks nothing for a trace that was recorded', async () => {
    const client = fakeClient({ report });
    const store = createAppStore(client, quietHost(report));
    await store.actions.start();
    store.actions.select({ layer: 1, stage: 'moe_router', position: 2 });
    expect(client.asked).toEqual([]);
    expect(store.getState().inspection).toBeUndefined();
  });

  it('has back what was given up, and drops an answer that comes too late', async () => {
    const { store, client } = await ranPage({
      captures: () => ({ kind: 'dropped', usage: USAGE, bytes: 500 }),
      fetched: () => SLICE,
    });
    await vi.waitFor(() => {
      expect(store.getState().inspection?.answer?.kind).toBe('dropped');
    });
    const fetching = store.actions.fetchCaptures();
    expect(store.getState().inspection?.fetching).toBe(true);
    await fetching;
    expect(client.calls).toContain('fetchCaptures 2 moe_expert_out');
    expect(store.getState().inspection).toMatchObject({ fetching: false, answer: { kind: 'slice' } });
    store.actions.select({ layer: 4, stage: 'moe_router', position: 1 });
    const late = store.actions.fetchCaptures();
    store.actions.select({ layer: 5, stage: 'moe_router', position: 1 });
    await late;
    await vi.waitFor(() => {
      expect(store.getState().inspection?.answer?.kind).toBe('dropped');
    });
    expect(store.getState().inspection?.place.layer).toBe(5);
  });
});

describe('continuation', () => {
  it('streams tokens, says where the engines part, and goes on from there', async () => {
    const { store, client } = await ranPage({});
    await store.actions.continueText(4);
    const { continuation } = store.getState();
    expect(continuation?.tokens.map((t) => t.agree)).toEqual([true, true, false, true]);
    expect(continuation).toMatchObject({ running: false, end: 'count' });
    await store.actions.continueText(2);
    expect(client.calls.filter((call) => call.startsWith('generate'))).toHaveLength(2);
    const lengths = client.calls.flatMap((call) => /^generate (\d+)/.exec(call)?.[1] ?? []);
    expect(Number(lengths[1])).toBe(Number(lengths[0]) + 4);
    expect(store.getState().continuation?.tokens).toHaveLength(6);
  });

  it('traces one of its tokens at its position', async () => {
    const { store, client } = await ranPage({});
    const prompt = store.getState().traced?.spec.tokens ?? [];
    await store.actions.continueText(4);
    await store.actions.traceToken(prompt.length + 1);
    expect(client.calls.at(-1)).toBe(`run gpu+cpu ${[...prompt, 300, 301].join(',')}`);
    expect(store.getState().traced?.spec.positions).toBe(String(prompt.length + 1));
    expect(store.getState().continuation).toBeUndefined();
    expect(store.getState().options.positions).toBe('all');
  });

  it('stops on cancel, and before another run', async () => {
    let release: () => void = () => undefined;
    let hold = false;
    const pause = (): Promise<void> => (hold ? new Promise((resolve) => (release = resolve)) : Promise.resolve());
    const { store, client } = await ranPage({ pause });
    hold = true;
    const going = store.actions.continueText(4);
    expect(store.getState().continuation?.running).toBe(true);
    await store.actions.cancel();
    expect(client.calls.at(-1)).toBe('cancel');
    release();
    await going;
    expect(store.getState().continuation).toMatchObject({ running: false, end: undefined, error: undefined });
    expect(store.getState().phase).toBe('done');
  });
});

import { describe, expect, it, vi } from 'vitest';
import { createAppStore, type AppStore } from '../../src/store/app-store';
import { selectOptionErrors } from '../../src/store/check-options';
import { selectEstimate } from '../../src/store/run-estimate';
import { selectTarget } from '../../src/store/run-target';
import { fakeClient, type FakeClient, type FakeOptions } from '../support/fake-client';
import { quietHost } from '../support/page-host';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });
const recorded = generateReport({ kind: 'clean', nTokens: 4 });

function page(options: Partial<FakeOptions> = {}): { readonly store: AppStore; readonly client: FakeClient } {
  const client = fakeClient({ report, ...options });
  const host = quietHost(recorded, { sample: () => Promise.resolve(file('sample.gguf')) });
  return { store: createAppStore(client, host), client };
}

function file(name: string): { kind: 'memory'; name: string; bytes: Uint8Array<ArrayBuffer> } {
  return { kind: 'memory', name, bytes: new Uint8Array(4) };
}

describe('what is asked of the next run, and what it costs', () => {
  it('refuses a prompt that does not fit, with the longest that does', async () => {
    const { store } = page();
    await store.actions.start();
    const ids = Array.from({ length: 9000 }, () => 1).join(',');
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds(ids);
    await vi.waitFor(() => {
      expect(store.getState().prompt.ids).toHaveLength(9000);
    });
    expect(selectEstimate(store.getState())).toMatchObject({ longest: 8192 });
    expect(selectTarget(store.getState())).toMatchObject({ refused: expect.stringContaining('8,192') });
  });

  it('refuses one whose captures this browser cannot hold, before anything opens, with the longest that it can', async () => {
    const { store, client } = page({ memoryBytes: 2 ** 26 });
    await store.actions.open([file('good.gguf')]);
    const type = async (count: number): Promise<void> => {
      store.actions.setTokenIds(Array.from({ length: count }, () => 1).join(','));
      await vi.waitFor(() => {
        expect(store.getState().prompt.ids).toHaveLength(count);
      });
    };
    await type(4000);
    const { longest, lines } = selectEstimate(store.getState());
    expect(lines[0]).toBe('4,000 tokens do not fit');
    await store.actions.run();
    expect(client.calls.filter((call) => call.startsWith('run'))).toEqual([]);
    await type((longest ?? 0) + 1);
    expect(selectEstimate(store.getState()).longest).toBe(longest);
    await type(longest ?? 0);
    expect(selectEstimate(store.getState()).longest).toBeUndefined();
    expect(selectTarget(store.getState())).toMatchObject({ refused: undefined });
  });

  it('says of a thorough run that it goes through the prompt many times', async () => {
    const { store } = page();
    await store.actions.runSample();
    const [once] = selectEstimate(store.getState()).lines;
    store.actions.setOptions({ thorough: true });
    const [often] = selectEstimate(store.getState()).lines;
    expect(once).toMatch(/^about /);
    expect(often).toMatch(/^up to about /);
  });

  it('asks for tokens behind the prompt and for other ways of running, and refuses them where nobody judges them', async () => {
    const { store, client } = page();
    const spy = vi.spyOn(client, 'run');
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds('1, 2');
    store.actions.setOptions({ decode: '3' });
    await store.actions.run();
    expect(spy.mock.lastCall?.[0]).toMatchObject({ decode: 3, decoder: 'auto', mode: 'local,free' });
    expect(spy.mock.lastCall?.[0]).not.toHaveProperty('thorough');
    store.actions.setOptions({ thorough: true });
    await store.actions.run();
    expect(spy.mock.lastCall?.[0]).toMatchObject({ decode: 3, thorough: true });
    // Elsewhere a run takes the fast decoder wherever it can: thorough is thorough.
    expect(spy.mock.lastCall?.[0]).not.toHaveProperty('decoder');
    for (const wrong of [{ decode: 'four' }, { mode: 'free' }, { engines: ['cpu'] }] as const) {
      const { options } = store.getState();
      store.actions.setOptions(wrong);
      expect(selectOptionErrors(store.getState()).decode?.code).toBe('usage');
      expect(selectTarget(store.getState())).toMatchObject({ refused: expect.any(String) as string });
      store.actions.setOptions(options);
    }
    store.actions.setOptions({ decode: '', thorough: false });
    await store.actions.run();
    expect(Object.keys(spy.mock.lastCall?.[0] ?? {})).not.toContain('decode');
  });
});

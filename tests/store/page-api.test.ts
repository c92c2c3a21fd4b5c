import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ErrorData } from '../../src/base/errors';
import type { RunSpec, SessionEvent } from '../../src/session/events';
import { createAppStore, type AppStore } from '../../src/store/app-store';
import { pageApi, type PageApi } from '../../src/store/page-api';
import { fakeClient, NO_WEBGPU, type FakeClient, type FakeOptions } from '../support/fake-client';
import { quietHost } from '../support/page-host';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });
const recorded = generateReport({ kind: 'clean', nTokens: 4 });
const CAT: ErrorData = {
  code: 'gguf-architecture',
  message: 'cat.gguf holds a model of architecture llama.',
  detail: { expected: 'qwen3moe', actual: 'llama' },
  remedy: 'Drop a Qwen3-MoE GGUF.',
};

interface Page {
  readonly api: PageApi;
  readonly store: AppStore;
  readonly client: FakeClient;
  /** What the engine was asked to run. */
  readonly specs: RunSpec[];
}

function page(options: Partial<FakeOptions> = {}): Page {
  const client = fakeClient({ report, ...options });
  const specs: RunSpec[] = [];
  const inner = client.run;
  client.run = (spec, onEvent) => {
    specs.push(spec);
    return inner(spec, onEvent);
  };
  const host = quietHost(recorded, { sample: () => Promise.resolve(file('sample.gguf')) });
  const store = createAppStore(client, host);
  return { api: pageApi(store), store, client, specs };
}

function file(name: string): { kind: 'memory'; name: string; bytes: Uint8Array<ArrayBuffer> } {
  return { kind: 'memory', name, bytes: new Uint8Array(4) };
}

beforeEach(() => {
  vi.stubGlobal('location', { href: 'http://localhost:4173/app/' });
  return () => {
    vi.unstubAllGlobals();
  };
});

describe('opening', () => {
  it('opens files of the browser and addresses, relative ones beside the page', async () => {
    const { api, client } = page();
    const model = await api.open([new File(['GGUF'], 'a-00001-of-00002.gguf'), 'models/b.gguf', 'https://host/c.gguf']);
    expect(model.card).toBeDefined();
    expect(client.opened).toMatchObject([
      { kind: 'blob', name: 'a-00001-of-00002.gguf' },
      { kind: 'http', url: 'http://localhost:4173/app/models/b.gguf' },
      { kind: 'http', url: 'https://host/c.gguf' },
    ]);
  });

  it('rejects with the code of what went wrong, and the page shows it', async () => {
    const { api, store } = page({ refuse: new Map([['cat.gguf', CAT]]) });
    await expect(api.open([file('cat.gguf')])).rejects.toMatchObject(CAT);
    expect(store.getState()).toMatchObject({ phase: 'error', error: CAT });
    await expect(api.report()).rejects.toMatchObject({ code: 'gguf-architecture' });
    await expect(api.open([])).rejects.toMatchObject({ code: 'usage' });
  });

  it('tells the earlier of two requests that it lost', async () => {
    const { api } = page();
    const first = api.open([file('first.gguf')]);
    const second = api.open([file('second.gguf')]);
    await expect(first).rejects.toMatchObject({ code: 'run-cancelled' });
    await expect(second).resolves.toBeDefined();
  });
});

describe('running', () => {
  it('hands on the real events in their order, and the report at the end', async () => {
    const { api } = page();
    await api.open([file('good.gguf')]);
    const events: SessionEvent[] = [];
    const given = await api.run({ tokens: [1, 2, 3] }, (event) => events.push(event));
    expect(events[0]).toMatchObject({ type: 'started', nLayer: report.model.hparams.nLayer });
    const bytes = events.flatMap((e) => (e.type === 'progress' ? e.progress.bytes : []));
    expect(Math.max(...bytes)).toBe(report.memory.bytesRead);
    expect(events.flatMap((e) => (e.type === 'progress' ? e.progress.rate : []))).toContain(48_000_000);
    const rows = events.flatMap((e) => (e.type === 'rows' ? e.rows : []));
    expect(rows).toHaveLength(report.rows.length);
    expect(events.at(-1)?.type).toBe('done');
    expect(given).toMatchObject({ schema: report.schema, verdict: { status: 'diverged' } });
    expect(given).toEqual(await api.report());
  });

  it('runs exactly what is asked, whatever the page was set to, and the page shows it', async () => {
    const { api, store, specs } = page();
    await api.open([file('good.gguf')]);
    store.actions.setOptions({ mode: 'free', layers: '0..1', inject: ['nan@layer=2'], routing: 'reference' });
    await api.run({ prompt: 'one two', chat: true, stages: 'moe_router', gpuBudget: 4096, engines: ['cpu', 'gpu'] });
    expect(specs).toEqual([
      {
        tokens: [21, 28],
        prompt: 'one two',
        engines: ['gpu', 'cpu'],
        mode: 'local,free',
        stages: 'moe_router',
        layers: 'all',
        positions: 'all',
        gpuBudget: 4096,
      },
    ]);
    expect(store.getState().options).toMatchObject({
      mode: 'local,free',
      layers: 'all',
      stages: 'moe_router',
      inject: [],
    });
    expect(store.getState().prompt).toMatchObject({ text: 'one two', chat: true });
  });

  it('asks for the GPU where the adapter is missing, instead of running the reference alone', async () => {
    const { api, store, specs } = page({ adapter: NO_WEBGPU });
    await store.actions.start();
    expect(store.getState().options.engines).toEqual(['cpu']);
    await api.open([file('good.gguf')]);
    await api.run({ tokens: [1] });
    expect(specs[0]?.engines).toEqual(['gpu', 'cpu']);
  });

  it('rejects with the error of a run that fails, and with run-cancelled after cancel', async () => {
    const failing = page({ failRun: CAT });
    await failing.api.open([file('good.gguf')]);
    await expect(failing.api.run({ tokens: [1] })).rejects.toMatchObject({ code: CAT.code, remedy: CAT.remedy });

    const { api } = page();
    await api.open([file('good.gguf')]);
    const run = api.run({ tokens: [1] }, (event) => {
      if (event.type === 'started') void api.cancel();
    });
    await expect(run).rejects.toMatchObject({ code: 'run-cancelled' });
  });

  it('rejects with the code of a prompt that cannot be read', async () => {
    const { api } = page();
    await api.open([file('good.gguf')]);
    await expect(api.run({ prompt: '' })).rejects.toMatchObject({ code: 'prompt-empty' });
  });

  it('refuses a second run, and a run without a model', async () => {
    const { api } = page();
    await expect(api.run({ tokens: [1] })).rejects.toMatchObject({ code: 'usage' });
    await api.open([file('good.gguf')]);
    const first = api.run({ tokens: [1] });
    await vi.waitFor(() => expect(api.run({ tokens: [2] })).rejects.toMatchObject({ code: 'run-busy' }));
    await first;
  });
});

describe('report', () => {
  it('waits for the run and never gives the recorded trace', async () => {
    const { api, store } = page();
    await store.actions.start();
    const given = api.report();
    const early = await Promise.race([given, new Promise((resolve) => setTimeout(resolve, 0, 'nothing yet'))]);
    expect(early).toBe('nothing yet');
    await store.actions.runSample();
    expect(await given).toMatchObject({ schema: report.schema, verdict: { status: 'diverged' } });
    expect(await api.report()).toEqual(await given);
  });
});

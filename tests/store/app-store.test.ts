import { describe, expect, it, vi } from 'vitest';
import { fail, type ErrorData } from '../../src/base/errors';
import type { Report } from '../../src/divergence/report';
import type { RunSpec } from '../../src/session/events';
import { withoutPrompt } from '../../src/share/redact';
import { packSummary } from '../../src/share/summary';
import { FIRST_VIEW } from '../../src/share/view-state';
import { createAppStore, type AppStore, type PageHost } from '../../src/store/app-store';
import { selectOptionErrors } from '../../src/store/check-options';
import { NO_STORE, type RunStore } from '../../src/store/run-store';
import { selectTarget } from '../../src/store/run-target';
import { linkOf } from '../../src/store/shell-actions';
import type { Phase } from '../../src/store/state';
import { selectPlace, selectShown, selectView } from '../../src/store/view';
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
  readonly store: AppStore;
  readonly client: FakeClient;
  readonly host: PageHost & { readonly saved: string[]; readonly copied: string[] };
  readonly phases: Phase[];
}

/** A page over the fake engine; every phase that it passes through is noted. */
function page(options: Partial<FakeOptions> = {}, host: Partial<PageHost> = {}): Page {
  const client = fakeClient({ report, ...options });
  const saved: string[] = [];
  const copied: string[] = [];
  const fullHost = {
    ...quietHost(recorded, { sample: () => Promise.resolve(file('sample.gguf')) }),
    saved,
    copied,
    saveFile: (name: string, _: string, text: string) => {
      saved.push(name, text);
    },
    copyText: (text: string) => {
      copied.push(text);
      return Promise.resolve();
    },
    ...host,
  };
  const store = createAppStore(client, fullHost);
  const phases: Phase[] = [store.getState().phase];
  store.subscribe(() => {
    const { phase } = store.getState();
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  return { store, client, host: fullHost, phases };
}

function file(name: string): { kind: 'memory'; name: string; bytes: Uint8Array<ArrayBuffer> } {
  return { kind: 'memory', name, bytes: new Uint8Array(4) };
}

/** A gate that steps of the fake engine wait at. */
function gate(): { pause: () => Promise<void>; step: () => Promise<void> } {
  let open: (() => void)[] = [];
  return {
    pause: () => new Promise((resolve) => open.push(resolve)),
    step: async () => {
      for (const resolve of open) resolve();
      open = [];
      await settled();
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('before any file', () => {
  it('shows the recorded trace, with its prompt, in state idle', async () => {
    const { store } = page();
    await store.actions.start();
    const state = store.getState();
    expect(state.phase).toBe('idle');
    expect(selectShown(state).kind).toBe('recorded');
    expect(state.prompt).toMatchObject({ text: recorded.run.prompt, ids: recorded.run.tokens, pending: false });
  });

  it('works without a recorded trace', async () => {
    const { store } = page({}, { recordedReport: () => Promise.reject(new Error('404')) });
    await store.actions.start();
    expect(store.getState()).toMatchObject({ phase: 'idle', error: undefined });
    expect(selectShown(store.getState()).kind).toBe('none');
  });

  it('leaves the reference where there is no WebGPU, and says which check failed', async () => {
    const { store, client } = page({ adapter: NO_WEBGPU });
    await store.actions.start();
    expect(store.getState()).toMatchObject({ phase: 'idle', adapter: { code: 'gpu-unavailable' } });
    expect(store.getState().options.engines).toEqual(['cpu']);
    await store.actions.runSample();
    expect(client.calls.at(-1)).toMatch(/^run cpu /);
  });

  it('opens what the address names', async () => {
    const { store, phases, client } = page({}, { startSources: [{ kind: 'http', url: 'https://x.test/m.gguf' }] });
    await store.actions.start();
    expect(phases).toEqual(['idle', 'loading', 'ready']);
    expect(client.opened).toEqual([{ kind: 'http', url: 'https://x.test/m.gguf' }]);
    expect(selectShown(store.getState()).kind).toBe('none');
  });
});

describe('opening', () => {
  it('hands over all parts of a split model', async () => {
    const { store, client } = page();
    await store.actions.open([file('m-00001-of-00002.gguf'), file('m-00002-of-00002.gguf')]);
    expect(client.opened).toHaveLength(2);
    expect(store.getState().phase).toBe('ready');
  });

  it('says what is wrong with a wrong file, and then works on', async () => {
    const { store, phases } = page({ refuse: new Map([['cat.gguf', CAT]]) });
    await store.actions.start();
    await store.actions.open([file('cat.gguf')]);
    expect(store.getState()).toMatchObject({ phase: 'error', error: CAT });
    expect(selectShown(store.getState()).kind).toBe('recorded');
    await store.actions.open([file('good.gguf')]);
    await store.actions.run();
    expect(phases).toEqual(['idle', 'loading', 'error', 'loading', 'ready', 'running', 'done']);
    expect(store.getState().error).toBeUndefined();
  });

  it('drops the error of a file when the next one can be read', async () => {
    const { store } = page({ refuse: new Map([['cat.gguf', CAT]]) });
    await store.actions.start();
    await store.actions.open([file('cat.gguf')]);
    expect(store.getState().error).toEqual(CAT);
    await store.actions.openFiles([file('trace.npz')]);
    expect(store.getState().error).toBeUndefined();
  });

  it('keeps the model that was open when the next one is refused', async () => {
    const { store } = page({ refuse: new Map([['cat.gguf', CAT]]) });
    await store.actions.start();
    await store.actions.open([file('good.gguf')]);
    await store.actions.open([file('cat.gguf')]);
    expect(store.getState().opened).toBeDefined();
    store.actions.dismissError();
    expect(store.getState()).toMatchObject({ phase: 'ready', error: undefined });
  });

  it('lets the later of two files win', async () => {
    const { pause, step } = gate();
    const { store, client } = page({ pause });
    const first = store.actions.open([file('first.gguf')]);
    await settled();
    const second = store.actions.open([file('second.gguf')]);
    await settled();
    await step();
    await Promise.all([first, second]);
    expect(store.getState().phase).toBe('ready');
    expect(client.opened).toMatchObject([{ name: 'second.gguf' }]);
  });

  it('asks the new model for the tokens of the prompt that is there', async () => {
    const { store, client } = page();
    await store.actions.start();
    const ready: string[] = [];
    store.subscribe(({ phase, prompt }) => {
      if (phase === 'ready') ready.push(prompt.idsText);
    });
    await store.actions.open([file('good.gguf')]);
    expect(client.calls).toContain(`tokenize ${recorded.run.prompt ?? ''}`);
    const { ids, idsText } = store.getState().prompt;
    expect(idsText).toBe(ids.join(', '));
    expect(idsText).not.toBe(recorded.run.tokens.join(', '));
    // A reader that waits for `ready` never sees ids of another tokenizer.
    expect(new Set(ready)).toEqual(new Set([idsText]));
  });

  it('is ready with a prompt that the new model cannot read, and says so beside it', async () => {
    const { store, client } = page();
    await store.actions.start();
    client.tokenize = () => Promise.reject(fail('tokenizer-unsupported', 'No such tokenizer.', 'Give token ids.'));
    await store.actions.open([file('good.gguf')]);
    expect(store.getState().phase).toBe('ready');
    expect(store.getState().prompt).toMatchObject({ pending: false, error: { code: 'tokenizer-unsupported' } });
  });
});

describe('running', () => {
  it('runs the sample in one go: rows arrive layer by layer, then the report', async () => {
    const { store, phases, client } = page();
    await store.actions.start();
    const layers: number[] = [];
    store.subscribe(() => {
      const { live } = store.getState();
      const n = new Set(live?.rows.from(0).flatMap((r) => r.layer ?? [])).size;
      if (layers.at(-1) !== n) layers.push(n);
    });
    await store.actions.runSample();
    expect(phases).toEqual(['idle', 'loading', 'ready', 'running', 'done']);
    expect(layers).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
    expect(client.calls.filter((c) => c === 'open')).toHaveLength(1);
    expect(selectShown(store.getState()).kind).toBe('report');
    expect(selectPlace(store.getState())).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
  });

  it('gives the sample a prompt where there is none', async () => {
    const { store, client } = page();
    await store.actions.runSample();
    expect(store.getState().phase).toBe('done');
    expect(client.calls).toContain('tokenize Once upon a time there was a brave fox.');
  });

  it('opens the sample when Run is pressed with nothing open', async () => {
    const { store, phases } = page();
    await store.actions.start();
    await store.actions.run();
    expect(phases).toEqual(['idle', 'loading', 'ready', 'running', 'done']);
  });

  it('sends the options as typed', async () => {
    const { store, client } = page();
    const spy = vi.spyOn(client, 'run');
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds('[1, 2 3]');
    store.actions.setOptions({
      engines: ['gpu'],
      mode: 'free',
      stages: 'moe_router',
      layers: '0..3',
      positions: 'last',
    });
    await store.actions.run();
    expect(store.getState().error).toBeUndefined();
    expect(spy).toHaveBeenCalledWith(
      {
        tokens: [1, 2, 3],
        engines: ['gpu'],
        mode: 'free',
        stages: 'moe_router',
        layers: '0..3',
        positions: 'last',
      },
      expect.any(Function),
    );
  });

  it('cancels, keeps what it has, and runs again', async () => {
    const { pause, step } = gate();
    const { store, phases } = page({ pause });
    const opening = store.actions.open([file('good.gguf')]);
    await settled();
    await step();
    await opening;
    store.actions.setTokenIds('1, 2');
    const run = store.actions.run();
    await settled();
    await step();
    await step();
    await store.actions.cancel();
    expect(store.getState().cancelling).toBe(true);
    await step();
    await run;
    expect(phases).toEqual(['idle', 'loading', 'ready', 'running', 'cancelled']);
    expect(store.getState().cancelling).toBe(false);
    expect(selectView(store.getState())?.rows.length).toBeGreaterThan(0);
    const again = store.actions.run();
    for (let i = 0; i < 8; i++) await step();
    await again;
    expect(store.getState().phase).toBe('done');
  });

  it('opens a file that is dropped on a run: the run ends first', async () => {
    const { pause, step } = gate();
    const { store, phases, client } = page({ pause });
    const opening = store.actions.open([file('good.gguf')]);
    await settled();
    await step();
    await opening;
    store.actions.setTokenIds('1, 2');
    const run = store.actions.run();
    await settled();
    await step();
    const next = store.actions.open([file('next.gguf')]);
    for (let i = 0; i < 4; i++) await step();
    await Promise.all([run, next]);
    expect(phases).toEqual(['idle', 'loading', 'ready', 'running', 'cancelled', 'loading', 'ready']);
    expect(client.opened).toMatchObject([{ name: 'next.gguf' }]);
    expect(selectShown(store.getState()).kind).toBe('none');
  });

  it('ignores what an older run says late', async () => {
    const { store, client } = page();
    let late: (() => void) | undefined;
    client.run = (_, onEvent) => {
      late = () => {
        onEvent({ type: 'cancelled', layersDone: 0 });
      };
      return Promise.resolve();
    };
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds('1');
    await store.actions.run();
    await store.actions.open([file('next.gguf')]);
    late?.();
    expect(store.getState().phase).toBe('ready');
  });

  it('shows a failed run as an error with its code, and the rows so far', async () => {
    const failRun: ErrorData = { code: 'gpu-lost', message: 'The device was lost.', detail: {}, remedy: 'Run again.' };
    const { store } = page({ failRun });
    await store.actions.runSample().catch(() => undefined);
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds('1');
    await store.actions.run();
    expect(store.getState()).toMatchObject({ phase: 'error', error: failRun });
    expect(selectView(store.getState())?.rows.length).toBeGreaterThan(0);
    expect(store.getState().announcement).toContain('The device was lost.');
  });

  it('shows no ids of a text that is gone', async () => {
    const { store } = page();
    await store.actions.open([file('good.gguf')]);
    store.actions.setPromptText('some words');
    await store.actions.run();
    expect(store.getState().prompt.idsText).not.toBe('');
    store.actions.setPromptText('');
    await store.actions.run();
    expect(store.getState().prompt).toMatchObject({ idsText: '', error: { code: 'prompt-empty' } });
    store.actions.setTokenIds('1, two');
    await store.actions.run();
    expect(store.getState().prompt).toMatchObject({ idsText: '1, two', error: { code: 'prompt-token' } });
  });

  it('does not start on an empty or malformed prompt', async () => {
    const { store, client } = page();
    await store.actions.open([file('good.gguf')]);
    await store.actions.run();
    expect(store.getState()).toMatchObject({ phase: 'error', error: { code: 'prompt-empty' } });
    store.actions.setTokenIds('1, two');
    await store.actions.run();
    expect(store.getState()).toMatchObject({ phase: 'error', error: { code: 'prompt-token' } });
    expect(client.calls.some((c) => c.startsWith('run'))).toBe(false);
  });
});

describe('prompt', () => {
  it('counts the last edit: text or ids', async () => {
    const { store, client } = page();
    await store.actions.open([file('good.gguf')]);
    store.actions.setTokenIds('5, 6');
    store.actions.setPromptText('two words');
    await store.actions.run();
    expect(client.calls.at(-1)).toBe('run gpu+cpu 21,42');
    store.actions.setTokenIds('5, 6');
    await store.actions.run();
    expect(client.calls.at(-1)).toBe('run gpu+cpu 5,6');
    expect(store.getState().prompt).toMatchObject({ source: 'ids', texts: ['<5>', '<6>'] });
  });

  it('passes the chat template on, and drops it where the file has none', async () => {
    const { store, client } = page();
    await store.actions.open([file('good.gguf')]);
    store.actions.setChat(true);
    store.actions.setPromptText('hello');
    await store.actions.run();
    expect(client.calls).toContain('tokenize chat hello');
    const without = page({ chatTemplate: false });
    without.store.actions.setChat(true);
    await without.store.actions.open([file('good.gguf')]);
    expect(without.store.getState().prompt.chat).toBe(false);
  });

  it('asks the tokenizer once a pause, not once a key', async () => {
    vi.useFakeTimers();
    const { store, client } = page();
    await store.actions.open([file('good.gguf')]);
    for (const text of ['h', 'he', 'hel']) {
      store.actions.setPromptText(text);
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(store.getState().prompt.pending).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    vi.useRealTimers();
    expect(client.calls.filter((c) => c.startsWith('tokenize'))).toEqual(['tokenize hel']);
    expect(store.getState().prompt).toMatchObject({ pending: false, texts: ['hel'] });
  });

  it('runs what was typed when Run was pressed, whatever is typed while the tokenizer answers, and keeps the later words', async () => {
    const { store, client } = page();
    await store.actions.open([file('good.gguf')]);
    store.actions.setPromptText('two words');
    const tokenize = client.tokenize.bind(client);
    let answer = (): void => undefined;
    client.tokenize = async (text, options) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return tokenize(text, options);
    };
    const specs: RunSpec[] = [];
    const run = client.run.bind(client);
    client.run = (spec, onEvent) => {
      specs.push(spec);
      return run(spec, onEvent);
    };
    const running = store.actions.run();
    store.actions.setPromptText('three other words');
    answer();
    await running;
    expect(specs[0]).toMatchObject({ prompt: 'two words', tokens: [21, 42] });
    expect(store.getState().prompt.text).toBe('three other words');
  });

  it('is not done from the press on, so that nobody takes the last report for the next', async () => {
    const { store } = page();
    await store.actions.open([file('good.gguf')]);
    store.actions.setPromptText('two words');
    await store.actions.run();
    expect(store.getState().phase).toBe('done');
    const running = store.actions.run();
    expect(store.getState().phase).not.toBe('done');
    await running;
    expect(store.getState().phase).toBe('done');
  });

  it('is not overwritten by the recorded trace once someone has typed', async () => {
    const { store } = page();
    store.actions.setPromptText('mine');
    await store.actions.start();
    expect(store.getState().prompt.text).toBe('mine');
  });
});

describe('reading', () => {
  it('walks what is wrong by itself, goes round, and says where it is', async () => {
    const { store } = page();
    await store.actions.runSample();
    store.actions.select({ layer: 0, stage: 'moe_router', position: 1 });
    store.actions.walk('next');
    expect(selectPlace(store.getState())).toMatchObject({ layer: 2, stage: 'moe_expert_out', position: 0 });
    store.actions.walk('next');
    expect(selectPlace(store.getState())).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    store.actions.select({ layer: 0, stage: 'moe_router', position: 1 });
    store.actions.walk('first');
    expect(store.getState().announcement).toBe('Layer 2, MoeExpertOut, token 0.');
  });

  it('saves the report as JSON that holds NaN, and copies the sentence', async () => {
    const nonFinite = generateReport({ kind: 'not-finite' });
    const { store, host } = page({ report: nonFinite });
    await store.actions.runSample();
    store.actions.saveReport();
    await store.actions.copySentence();
    expect(host.saved[0]).toBe('tiny-moe-6x16-Q4_K_M.moescope.json');
    expect(JSON.parse(host.saved[1] ?? '')).toMatchObject({ verdict: { first: { value: 'NaN' } } });
    expect(host.copied).toEqual([nonFinite.verdict.sentence]);
  });

  it('gives the same view for the same trace, so that figures are not drawn twice', async () => {
    const { store } = page();
    await store.actions.runSample();
    const before = selectShown(store.getState());
    store.actions.setTab('numbers');
    expect(selectShown(store.getState())).toBe(before);
    expect(selectPlace(store.getState())).toBe(selectPlace(store.getState()));
  });
});

describe('the first visit', () => {
  it('arms the defect of the story that is shown, so that Run repeats it, and lets go of it with a model of one’s own', async () => {
    const story = generateReport({ kind: 'qtype-blind', nTokens: 4 });
    const { store } = page({}, { recordedReport: () => Promise.resolve(story) });
    await store.actions.start();
    expect(store.getState().options.inject).toEqual(['qtype-blind@layer=2']);
    await store.actions.open([file('mine.gguf')]);
    expect(store.getState().options.inject).toEqual([]);
  });

  it('is over once something was run, and no reload brings an older run’s verdict back', async () => {
    const { store } = page();
    await store.actions.start();
    expect(store.getState().shell.begun).toBe(false);
    await store.actions.runSample();
    expect(store.getState().shell.begun).toBe(true);
  });
});

describe('nothing is lost', () => {
  it('says at the field what cannot run, runs nothing, and keeps the result', async () => {
    const { store, client } = page();
    await store.actions.runSample();
    const shown = store.getState().report;
    const runs = client.calls.filter((c) => c.startsWith('run')).length;
    store.actions.setOptions({ layers: '99' });
    expect(selectOptionErrors(store.getState()).layers?.code).toBe('plan-range');
    await store.actions.run();
    expect(client.calls.filter((c) => c.startsWith('run'))).toHaveLength(runs);
    expect(store.getState()).toMatchObject({ report: shown, error: undefined });
    store.actions.setOptions({ layers: 'all', stages: 'moe_ruoter', inject: ['nan@layer=99'] });
    expect(Object.keys(selectOptionErrors(store.getState()))).toEqual(['stages', 'inject']);
  });

  it('keeps the old result until the first layer of the new one, and after a run that fails before it', async () => {
    const { store, client } = page();
    await store.actions.runSample();
    const shown = store.getState().report;
    client.run = (_, onEvent) => {
      onEvent({ type: 'started', nLayer: 6 });
      expect(selectShown(store.getState()).kind).toBe('report');
      onEvent({ type: 'failed', error: CAT });
      return Promise.resolve();
    };
    await store.actions.run();
    expect(store.getState()).toMatchObject({ phase: 'error', report: shown, live: undefined });
    store.actions.dismissError();
    expect(selectShown(store.getState())).toMatchObject({ kind: 'report', report: shown });
  });

  it('never runs the sample in place of a report that was opened', async () => {
    const other = generateReport({ kind: 'clean' });
    const foreign = { ...other, model: { ...other.model, headerSha256: 'ab'.repeat(32) } };
    const views = [{ file: 'a.json', shared: { report: foreign, view: FIRST_VIEW, leftOut: [] } }];
    const { store, client } = page({ readResult: { traces: [], views, ignored: [] } });
    await store.actions.start();
    await store.actions.openFiles([{ kind: 'memory', name: 'a.json', bytes: new TextEncoder().encode('{') }]);
    expect(selectTarget(store.getState())).toMatchObject({ kind: 'absent' });
    await store.actions.run();
    expect(client.calls).not.toContain('open');
    expect(selectShown(store.getState())).toMatchObject({ kind: 'report', report: foreign });
  });

  it('keeps each finished run, and opens it again by its name in the address', async () => {
    const kept = new Map<string, Report>();
    const runs: RunStore = {
      ...NO_STORE,
      keep: (run, report) => {
        kept.set(run.id, report);
        return Promise.resolve();
      },
      open: (id) => Promise.resolve(kept.get(id)),
    };
    const { store } = page({}, { runs });
    await store.actions.runSample();
    await vi.waitFor(() => {
      expect(kept.size).toBe(1);
    });
    const again = page({}, { runs, fragment: () => linkOf(store.getState(), false) });
    await again.store.actions.start();
    await vi.waitFor(() => {
      expect(selectShown(again.store.getState()).kind).toBe('report');
    });
    expect(again.store.getState().shell.origin).toMatchObject({ kind: 'kept' });
    const gone = page({}, { fragment: () => linkOf(store.getState(), false) });
    await gone.store.actions.start();
    await vi.waitFor(() => {
      expect(gone.store.getState().shell.notice?.text).toContain('does not keep');
    });
  });

  it('opens a link as the run that it is of, not as the one that is recorded here', async () => {
    const { store } = page();
    await store.actions.runSample();
    const summary = packSummary(await withoutPrompt(report));
    const link = linkOf(store.getState(), false, summary);
    const other = page({}, { fragment: () => link });
    await other.store.actions.start();
    await vi.waitFor(() => {
      expect(selectShown(other.store.getState()).kind).toBe('report');
    });
    const shown = selectShown(other.store.getState());
    expect(shown.kind === 'report' ? shown.report.verdict : undefined).toEqual(report.verdict);
    expect(other.store.getState().shell.origin?.kind).toBe('link');
  });
});

import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Report } from '../divergence/report';
import type { SessionEvent } from '../session/events';
import type { EngineClient } from '../worker/client-types';
import type { PageSource } from '../worker/page-source';
import { benchActions, type BenchActions } from './bench-actions';
import { continueActions, type ContinueActions } from './continue-actions';
import { followAddress } from './follow-address';
import { inspectActions } from './inspect-actions';
import { keptRuns } from './keep-runs';
import { openActions, type OpenOutcome } from './open-actions';
import { promptActions } from './prompt-actions';
import { reportActions, type ReportActions, type ReportHost } from './report-actions';
import { scanActions, type ScanActions } from './scan-actions';
import { runActions, type Instead, type RunOutcome } from './run-actions';
import { canRun } from './run-target';
import type { StoryId } from './stories';
import { storyActions, type StoryActions } from './story-actions';
import { failWith } from './set-state';
import type { ShareHost, ShareKind } from './share-actions';
import { startCase } from './start-case';
import { shellActions, type ShellActions, type ShellHost } from './shell-actions';
import { FIRST_STATE, type AppState, type RunOptions } from './state';
import { viewActions, type ViewActions } from './view-actions';

/** What the page itself provides: everything that touches the browser and that tests replace. */
export interface PageHost extends ShellHost, ShareHost, ReportHost {
  /** A recorded story: a trace of the sample that ships with the page. */
  recordedReport(story: StoryId): Promise<Report>;
  sample(): Promise<PageSource>;
  /** Sources named in the address. */
  readonly startSources: readonly PageSource[];
  /** The recorded case that the address asks for. */
  readonly startCase: PageSource | undefined;
  pickFiles(): void;
  /** Resolves once the page has drawn what it has and has a moment to spare. */
  quiet(): Promise<void>;
  /** Milliseconds, rising. */
  now(): number;
}

export interface AppActions
  extends ShellActions, BenchActions, ScanActions, ContinueActions, StoryActions, ViewActions, ReportActions {
  /** Asks for the adapter, loads the recorded trace, opens what the address names. */
  start(): Promise<void>;
  /** Opens a model, also on top of a run, which is cancelled first. */
  open(sources: readonly PageSource[]): Promise<OpenOutcome>;
  /** Opens the sample and runs it. */
  runSample(): Promise<void>;
  /** Runs what is open with the prompt and options; without a model, the sample. */
  run(): Promise<void>;
  /** Runs what is open with what counts instead of the page's fields. */
  runInstead(instead: Instead, onEvent?: (event: SessionEvent) => void): Promise<RunOutcome>;
  /** Goes on with a run whose GPU was lost. */
  resume(): Promise<void>;
  cancel(): Promise<void>;
  dismissError(): void;
  /** Has tensors that were not kept, by running the layers up to them again. */
  fetchCaptures(): Promise<void>;
  /** Traces the prompt and what was said up to this position, at this position. */
  traceToken(position: number): Promise<void>;
  setPromptText(text: string): void;
  setTokenIds(text: string): void;
  setChat(chat: boolean): void;
  setOptions(options: Partial<RunOptions>): void;
  pickFiles(): void;
  /** Makes and delivers a picture, file or link. Its code is loaded on first use. */
  share(kind: ShareKind): Promise<void>;
}

export interface AppStore extends Pick<StoreApi<AppState>, 'getState' | 'subscribe' | 'getInitialState'> {
  readonly actions: AppActions;
}

/** For a sample run where nothing was typed and no recording gave a prompt. */
const SAMPLE_PROMPT = 'Once upon a time there was a brave fox.';

/** The page's state and everything that changes it. One run and one opening at a time; the later request wins. */
export function createAppStore(client: EngineClient, host: PageHost): AppStore {
  const store = createStore<AppState>(() => FIRST_STATE);
  const get = store.getState;
  const set = store.setState;
  const prompt = promptActions(client, get, set);
  const inspect = inspectActions(client, get, set);
  const runner = runActions(client, prompt, host.now, get, set);
  const opener = openActions(client, prompt, runner, set);
  store.subscribe(inspect.refresh);

  const dismissError = (): void => {
    if (get().phase !== 'error') return;
    set((s) => ({ error: undefined, looked: undefined, phase: s.opened === undefined ? 'idle' : 'ready' }));
  };
  const shell = shellActions(client, host, get, set, {
    open: async (sources) => {
      await opener.open(sources);
    },
    endRun: runner.end,
    failWith: (error) => {
      failWith(set, error);
    },
    dismissError,
    setPromptText: prompt.setText,
    setTokenIds: prompt.setIds,
  });

  const runSample = async (): Promise<void> => {
    const { kind } = await opener.openNamed('the sample model', async () => [await host.sample()], true);
    if (kind !== 'opened') return;
    const { source, text, idsText } = get().prompt;
    if ((source === 'text' ? text : idsText) === '') prompt.setText(SAMPLE_PROMPT);
    await runner.start();
  };

  const stories = storyActions(host.recordedReport, prompt, get, set);
  const runs = keptRuns(host.runs, host.quiet, set);
  store.subscribe(runs.keep);

  const start = async (): Promise<void> => {
    followAddress(store, host.setFragment);
    shell.followLink();
    const recordedCase = startCase(host.startCase, shell, get, set);
    const recorded = stories.showStory(get().story).finally(() => {
      set((s) => ({ shell: { ...s.shell, started: true } }));
    });
    const opened = host.startSources.length === 0 ? undefined : opener.open(host.startSources);
    // The engine's own start would keep the recorded trace waiting.
    await recorded.then(host.quiet);
    await Promise.all([runner.askAdapter(), opened, runs.show(), recordedCase]);
  };

  const actions: AppActions = {
    ...benchActions(client, host.copyText),
    ...scanActions(client),
    ...continueActions(client, get, set),
    ...viewActions(get, set),
    ...reportActions(host, get, set),
    ...shell,
    ...stories,
    start,
    open: opener.open,
    runSample,
    run: async () => {
      if (runner.isRunning || get().phase === 'loading' || get().phase === 'running') return;
      if (!canRun(get())) return;
      if (get().opened === undefined) await runSample();
      else await runner.start();
    },
    runInstead: runner.start,
    resume: runner.resume,
    cancel: runner.cancel,
    dismissError,
    fetchCaptures: inspect.fetchCaptures,
    traceToken: async (position) => {
      const { traced, continuation } = get();
      if (traced === undefined || continuation === undefined || runner.isRunning) return;
      const said = continuation.tokens.filter((token) => token.position <= position);
      const { tokens, tokenTexts = [] } = traced.report.run;
      const ids = [...tokens, ...said.map((token) => token.token)];
      const texts = [...tokens.map((id, i) => tokenTexts[i] ?? String(id)), ...said.map((token) => token.text)];
      await runner.start({ tokens: { ids, texts }, spec: { positions: String(position) } });
    },
    setPromptText: prompt.setText,
    setTokenIds: prompt.setIds,
    setChat: prompt.setChat,
    setOptions: (options) => {
      set((s) => ({ options: { ...s.options, ...options } }));
    },
    pickFiles: () => {
      host.pickFiles();
    },
    share: async (kind) => {
      const { share } = await import('./share-actions');
      await share(kind, get, shell.setShare, client, host);
      const { done, error } = get().shell.share;
      set({ announcement: done ?? error?.message ?? '' });
    },
  };
  return { getState: get, subscribe: store.subscribe, getInitialState: store.getInitialState, actions };
}

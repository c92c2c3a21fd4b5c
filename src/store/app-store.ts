import { createStore, type StoreApi } from 'zustand/vanilla';
import { toErrorData, type ErrorData } from '../base/errors';
import { reportToJson } from '../divergence/report-json';
import type { CompareMode, Report } from '../divergence/report';
import type { ErrorMetric } from '../plots/error-scale';
import type { HeatMeasure } from '../plots/heat-measures';
import type { PartWay } from '../plots/select-parts';
import type { TableMetric } from '../plots/select-table';
import { selectFirst, type Place } from '../plots/select-walk';
import type { RunSpec, SessionEvent } from '../session/events';
import type { EngineClient } from '../worker/client-types';
import type { PageSource } from '../worker/page-source';
import { announcementOf } from './announce';
import { benchActions, type BenchActions } from './bench-actions';
import { continueActions } from './continue-actions';
import { inspectActions } from './inspect-actions';
import { sourceName } from './page-url';
import { promptActions, type SettledPrompt } from './prompt-actions';
import type { ShareHost, ShareKind } from './share-actions';
import { linkOf, settleLink, shellActions, type ShellActions, type ShellHost } from './shell-actions';
import { FIRST_STATE, type AppState, type Phase, type RunOptions } from './state';
import { selectNeighbour, selectShown, selectView } from './view';

/** What the page itself provides: everything that touches the browser and that tests replace. */
export interface PageHost extends ShellHost, ShareHost {
  /** The trace of the sample that ships with the page. */
  recordedReport(): Promise<Report>;
  sample(): Promise<PageSource>;
  /** Sources named in the address. */
  readonly startSources: readonly PageSource[];
  pickFiles(): void;
  saveFile(name: string, mediaType: string, text: string): void;
  /** Resolves once the page has drawn what it has and has a moment to spare. */
  quiet(): Promise<void>;
  /** Milliseconds, rising. */
  now(): number;
}

export interface AppActions extends ShellActions, BenchActions {
  /** Asks for the adapter, loads the recorded trace, opens what the address names. */
  start(): Promise<void>;
  /** Opens a model, also on top of a run, which is cancelled first. */
  open(sources: readonly PageSource[]): Promise<void>;
  /** Opens the sample and runs it. */
  runSample(): Promise<void>;
  /** Runs what is open with the prompt and options; without a model, the sample. */
  run(): Promise<void>;
  /** Goes on with a run whose GPU was lost. */
  resume(): Promise<void>;
  cancel(): Promise<void>;
  dismissError(): void;
  /** Has tensors that were not kept, by running the layers up to them again. */
  fetchTaps(): Promise<void>;
  /** Continues the last run greedily. */
  continueText(count?: number): Promise<void>;
  /** Traces the prompt and what was said up to this position, at this position. */
  traceToken(position: number): Promise<void>;
  setPromptText(text: string): void;
  setTokenIds(text: string): void;
  setChat(chat: boolean): void;
  setOptions(options: Partial<RunOptions>): void;
  select(place: Place | undefined): void;
  walk(to: 'first' | 'next' | 'previous'): void;
  setHeatMode(mode: CompareMode): void;
  setHeatMeasure(measure: HeatMeasure): void;
  setExpert(expert: number | undefined): void;
  setCut(cut: PartWay): void;
  setTensorMode(mode: CompareMode): void;
  setMetric(metric: ErrorMetric): void;
  setTableMetric(metric: TableMetric): void;
  setShortcuts(on: boolean): void;
  setTheme(theme: AppState['theme']): void;
  pickFiles(): void;
  saveReport(): void;
  copySentence(): Promise<void>;
  /** Makes and delivers a picture, file or link. Its code is loaded on first use. */
  share(kind: ShareKind): Promise<void>;
}

export interface AppStore extends Pick<StoreApi<AppState>, 'getState' | 'subscribe' | 'getInitialState'> {
  readonly actions: AppActions;
}

interface Instead {
  readonly tokens: readonly number[];
  readonly texts: readonly string[];
  readonly positions: string;
}

/** Progress reaches the page at most this often, in milliseconds; results and ends always do. */
const PROGRESS_INTERVAL = 80;

/** What the address tells. */
const LINKED = [
  'selection',
  'metric',
  'heatMode',
  'heatMeasure',
  'tableMetric',
  'expert',
  'cut',
  'options',
  'report',
] as const satisfies readonly (keyof AppState)[];
/** The address is written this long after the last change, in milliseconds: browsers limit how often. */
const ADDRESS_PAUSE = 250;

/** For a sample run where nothing was typed and no recording gave a prompt. */
const SAMPLE_PROMPT = 'Once upon a time there was a brave fox.';

/** Phases that tell how the last run ended. */
const ENDED: readonly Phase[] = ['done', 'cancelled', 'error'];

/** The page's state and everything that changes it. One run and one opening at a time; the later request wins. */
export function createAppStore(client: EngineClient, host: PageHost): AppStore {
  const store = createStore<AppState>(() => FIRST_STATE);
  const get = store.getState;
  const set = store.setState;
  const prompt = promptActions(client, get, set);
  const inspect = inspectActions(client, get, set);
  const more = continueActions(client, get, set);
  store.subscribe(inspect.refresh);
  let opening = 0;
  let running: Promise<void> | undefined;
  // Events of a run may arrive after its promise has settled: those of an older run are dropped.
  let runs = 0;
  let lastProgress = 0;

  const failWith = (error: ErrorData): void => {
    set({ phase: 'error', error, loadingName: undefined, progress: undefined, cancelling: false });
    set({ announcement: `${error.message} ${error.remedy}` });
  };

  /** Ends what uses the arms beside a run: a continuation, or tensors on their way. */
  const endSideWork = async (): Promise<void> => {
    const { continuation, inspection } = get();
    if (continuation?.running === true || inspection?.fetching === true) await client.cancel();
  };

  const endRun = async (): Promise<void> => {
    await endSideWork();
    if (running === undefined) return;
    await actions.cancel();
    await running;
  };

  /** True when the model is open and no later request overtook this one. */
  const openSources = async (name: string, provide: () => Promise<readonly PageSource[]>): Promise<boolean> => {
    const mine = ++opening;
    await endRun();
    if (mine !== opening) return false;
    runs++;
    set({ phase: 'loading', loadingName: name, error: undefined, announcement: `Opening ${name}.` });
    try {
      const opened = await client.open(await provide());
      if (mine !== opening) return false;
      const { nLayer } = opened.card.hparams;
      set({ opened, live: undefined, report: undefined, selection: undefined, traced: undefined });
      set({ continuation: undefined, expert: undefined, cut: undefined });
      if (!opened.preflight.chatTemplate) set((s) => ({ prompt: { ...s.prompt, chat: false } }));
      // Before the page says that it is ready: ids of another model's tokenizer must not be there to be edited.
      await prompt.refresh();
      if (mine !== opening) return false;
      set({ phase: 'ready', loadingName: undefined });
      set({ announcement: `${opened.card.name} is open: ${String(nLayer)} layers.` });
      set((s) => ({ shell: { ...s.shell, origin: undefined, ownReport: undefined, dialog: undefined } }));
      return true;
    } catch (error) {
      if (mine === opening) failWith(toErrorData(error));
      return false;
    }
  };

  const onEvent = (event: SessionEvent): void => {
    const { live } = get();
    if (event.type !== 'progress' && get().shell.lost !== undefined) {
      set((s) => ({ shell: { ...s.shell, lost: undefined } }));
    }
    const announcement = announcementOf(event, live);
    if (announcement !== undefined) set({ announcement });
    switch (event.type) {
      case 'started':
        if (live !== undefined) set({ live: { ...live, adapter: event.adapter } });
        return;
      case 'progress': {
        const now = host.now();
        const changed = get().progress?.phase !== event.progress.phase || get().progress?.done !== event.progress.done;
        if (!changed && now - lastProgress < PROGRESS_INTERVAL) return;
        lastProgress = now;
        set({ progress: event.progress });
        return;
      }
      case 'rows':
        if (live !== undefined) {
          // Appended in place: a step costs what is new, however long the trace has become.
          live.rows.push(...event.rows);
          live.routing.push(...event.routing);
          set({ live: { ...live, layersDone: live.layersDone + (event.layer === undefined ? 0 : 1) } });
        }
        return;
      case 'lost': {
        const { error, layersDone } = event;
        set((s) => ({ shell: { ...s.shell, lost: { error, layersDone } } }));
        return;
      }
      case 'done':
        set((s) => ({ shell: { ...s.shell, origin: undefined, ownReport: event.report } }));
        set({ phase: 'done', report: event.report, live: undefined, progress: undefined, cancelling: false });
        if (live !== undefined) set({ traced: { report: event.report, spec: live.spec } });
        return;
      case 'cancelled':
        set({ phase: 'cancelled', progress: undefined, cancelling: false });
        return;
      case 'failed':
        failWith(event.error);
        return;
    }
  };

  let adapter: Promise<void> | undefined;
  /** Asked once. Where there is none, the reference runs alone. */
  const askAdapter = (): Promise<void> => {
    adapter ??= client.adapter().then((found) => {
      set({ adapter: found });
      if ('code' in found) set((s) => ({ options: { ...s.options, arms: ['cpu'] } }));
    });
    return adapter;
  };

  /** `instead`: these tokens and positions, whatever is typed. */
  const startRun = async (instead?: Instead): Promise<void> => {
    const { opened } = get();
    if (opened === undefined) return;
    const before = opening;
    // From the press on, "done" would be the last run's.
    if (ENDED.includes(get().phase)) set({ phase: 'ready', error: undefined });
    let settled: SettledPrompt;
    try {
      // What is typed at this moment counts, however long the rest takes.
      const asked =
        instead === undefined
          ? prompt.settle()
          : Promise.resolve({ ids: instead.tokens, texts: instead.texts, text: undefined });
      [settled] = await Promise.all([asked, askAdapter(), endSideWork()]);
    } catch (error) {
      failWith(toErrorData(error));
      return;
    }
    if (before !== opening || running !== undefined) return;
    const { options } = get();
    const spec: RunSpec = {
      tokens: settled.ids,
      ...(settled.text === undefined ? {} : { prompt: settled.text }),
      arms: options.arms,
      mode: options.mode,
      ...(options.routing === 'own' ? {} : { routing: options.routing }),
      ...(options.inject.length === 0 || !options.arms.includes('gpu') ? {} : { inject: options.inject }),
      stages: options.stages,
      layers: options.layers,
      positions: instead?.positions ?? options.positions,
    };
    const live = {
      spec,
      model: opened.card,
      tokenTexts: settled.texts,
      adapter: undefined,
      rows: [],
      routing: [],
      layersDone: 0,
    };
    set({ phase: 'running', live, report: undefined, error: undefined, progress: undefined, selection: undefined });
    set({ traced: undefined, continuation: undefined });
    const mine = ++runs;
    running = client
      .run(spec, (event) => {
        if (mine === runs) onEvent(event);
      })
      .catch((error: unknown) => {
        // A rejection after the run's own last event says nothing new.
        if (mine === runs && get().phase === 'running') failWith(toErrorData(error));
      })
      .finally(() => {
        running = undefined;
      });
    await running;
  };

  const shell = shellActions(client, host, get, set, {
    open: (sources) => actions.open(sources),
    endRun,
    failWith,
    dismissError: () => {
      actions.dismissError();
    },
    setPromptText: prompt.setText,
    setTokenIds: prompt.setIds,
  });

  /** The address follows what is looked at, a moment later. */
  const followAddress = (): void => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let written = '';
    store.subscribe((now, before) => {
      if (now.report !== before.report || now.recorded !== before.recorded) settleLink(get, set);
      // A link that waits for its trace stays in the address.
      if (get().shell.link !== undefined) return;
      const same = LINKED.every((key) => now[key] === before[key]) && now.shell.link === before.shell.link;
      if (same) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        const link = linkOf(get(), false);
        if (link === written) return;
        written = link;
        host.setFragment(link);
      }, ADDRESS_PAUSE);
    });
  };

  const actions: AppActions = {
    ...benchActions(client, host.copyText),
    ...shell,
    start: async () => {
      followAddress();
      shell.followLink();
      const recorded = host.recordedReport().then(
        (report) => {
          prompt.adopt(report);
          set((s) => ({ recorded: report, shell: { ...s.shell, started: true } }));
        },
        // Without its recording the page still works; it then starts with an empty prompt.
        () => {
          set((s) => ({ shell: { ...s.shell, started: true } }));
        },
      );
      const opened = host.startSources.length === 0 ? undefined : actions.open(host.startSources);
      // The engine's own start would keep the recorded trace waiting.
      await recorded.then(host.quiet);
      await Promise.all([askAdapter(), opened]);
    },
    open: async (sources) => {
      const first = sources[0];
      if (first === undefined) return;
      const more = sources.length > 1 ? ` and ${String(sources.length - 1)} more` : '';
      await openSources(`${sourceName(first)}${more}`, () => Promise.resolve(sources));
    },
    runSample: async () => {
      if (!(await openSources('the sample model', async () => [await host.sample()]))) return;
      const { source, text, idsText } = get().prompt;
      if ((source === 'text' ? text : idsText) === '') prompt.setText(SAMPLE_PROMPT);
      await startRun();
    },
    run: async () => {
      if (running !== undefined || get().phase === 'loading' || get().phase === 'running') return;
      if (get().opened === undefined) await actions.runSample();
      else await startRun();
    },
    fetchTaps: inspect.fetchTaps,
    continueText: more.continueText,
    traceToken: async (position) => {
      const { traced, continuation } = get();
      if (traced === undefined || continuation === undefined || running !== undefined) return;
      const said = continuation.tokens.filter((token) => token.position <= position);
      const { tokens, tokenTexts = [] } = traced.report.run;
      await startRun({
        tokens: [...tokens, ...said.map((token) => token.token)],
        texts: [...tokens.map((id, i) => tokenTexts[i] ?? String(id)), ...said.map((token) => token.text)],
        positions: String(position),
      });
    },
    resume: async () => {
      if (get().shell.lost === undefined) return;
      set((s) => ({ shell: { ...s.shell, lost: undefined }, announcement: 'Going on.' }));
      await client.resume();
    },
    cancel: async () => {
      if (running === undefined) await endSideWork();
      if (running === undefined || get().cancelling) return;
      set({ cancelling: true, announcement: 'Cancelling.' });
      await client.cancel();
    },
    dismissError: () => {
      if (get().phase !== 'error') return;
      set((s) => ({ error: undefined, phase: s.opened === undefined ? 'idle' : 'ready' }));
    },
    setPromptText: prompt.setText,
    setTokenIds: prompt.setIds,
    setChat: prompt.setChat,
    setOptions: (options) => {
      set((s) => ({ options: { ...s.options, ...options } }));
    },
    select: (selection) => {
      set({ selection });
    },
    walk: (to) => {
      const view = selectView(get());
      if (view === undefined) return;
      const place = to === 'first' ? selectFirst(view) : selectNeighbour(get(), to === 'next' ? 1 : -1);
      if (place === undefined) set({ announcement: 'Nothing diverges.' });
      else set({ selection: place, announcement: `${placeText(place)}.` });
    },
    setHeatMode: (heatMode) => {
      set({ heatMode });
    },
    setHeatMeasure: (heatMeasure) => {
      set({ heatMeasure });
    },
    setExpert: (expert) => {
      set({ expert });
    },
    setCut: (cut) => {
      set({ cut });
    },
    setTensorMode: (tensorMode) => {
      set({ tensorMode });
    },
    setMetric: (metric) => {
      set({ metric });
    },
    setTableMetric: (tableMetric) => {
      set({ tableMetric });
    },
    setShortcuts: (shortcuts) => {
      set({ shortcuts });
    },
    setTheme: (theme) => {
      set({ theme });
    },
    pickFiles: () => {
      host.pickFiles();
    },
    saveReport: () => {
      const shown = selectShown(get());
      if (shown.kind !== 'report' && shown.kind !== 'recorded') return;
      const { report } = shown;
      const stem = report.model.file.replace(/\.gguf$/i, '');
      host.saveFile(`${stem}.moescope.json`, 'application/json', reportToJson(report, 1));
      set({ announcement: 'Report saved.' });
    },
    copySentence: async () => {
      const shown = selectShown(get());
      if (shown.kind !== 'report' && shown.kind !== 'recorded') return;
      await host.copyText(shown.report.verdict.sentence);
      set({ announcement: 'Sentence copied.' });
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

function placeText(place: Place): string {
  const layer = place.layer === undefined ? '' : `Layer ${String(place.layer)}, `;
  return `${layer}${place.stage}${place.position === undefined ? '' : `, token ${String(place.position)}`}`;
}

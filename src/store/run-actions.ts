import { toErrorData, type ErrorData } from '../base/errors';
import type { Report, RoutingRow, Row } from '../divergence/report';
import { Log } from '../plots/row-log';
import type { RunSpec, SessionEvent } from '../session/events';
import type { EngineClient } from '../worker/client-types';
import { FIRST_VIEW } from '../share/view-state';
import { announcementOf } from './announce';
import { behindPrompt } from './behind-prompt';
import type { PromptActions, SettledPrompt } from './prompt-actions';
import { costOf } from './run-cost';
import { failWith, type SetState } from './set-state';
import type { AppState, Phase } from './state';

/** How a run ended. */
export type RunOutcome =
  | { readonly kind: 'done'; readonly report: Report }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  /** It never began: another run or model took the page first. */
  | { readonly kind: 'superseded' };

/** What a run takes instead of what is typed on the page. */
export interface Instead {
  readonly tokens?: { readonly ids: readonly number[]; readonly texts: readonly string[] };
  readonly spec?: Partial<Omit<RunSpec, 'tokens' | 'prompt'>>;
}

/** Runs of the open model, one at a time, and what uses its engines beside a run. */
export interface RunActions {
  readonly isRunning: boolean;
  /** Asks for the adapter, once. Where there is none, the page's own runs are of the reference alone. */
  askAdapter(): Promise<void>;
  /**
   * Runs what is open with the prompt and options of the page.
   * @param onEvent given the run's events; of `progress` what the page itself takes, about twelve a second
   */
  start(instead?: Instead, onEvent?: (event: SessionEvent) => void): Promise<RunOutcome>;
  resume(): Promise<void>;
  cancel(): Promise<void>;
  /** Cancels the run under way and whatever uses its engines, and waits for the end. */
  end(): Promise<void>;
  /** A model is being opened: runs that were asked for and have not begun do not begin. */
  supersede(): void;
  /** Events of the last run that are still on their way are dropped. */
  forget(): void;
}

/** Progress reaches the page at most this often, in milliseconds; results and ends always do. */
const PROGRESS_INTERVAL = 80;

/** Phases that tell how the last run ended. */
const ENDED: readonly Phase[] = ['done', 'cancelled', 'error'];

/** @param now a clock in milliseconds */
export function runActions(
  client: EngineClient,
  prompt: PromptActions,
  now: () => number,
  get: () => AppState,
  set: SetState,
): RunActions {
  let running: Promise<unknown> | undefined;
  // Events of a run may arrive after its promise has settled: those of an older run are dropped.
  let runs = 0;
  let openings = 0;
  let lastProgress = 0;
  let adapter: Promise<void> | undefined;

  /** Takes an event into the state. False: progress too soon after the last. */
  const take = (event: SessionEvent): boolean => {
    const { live } = get();
    if (event.type !== 'progress' && get().shell.lost !== undefined) {
      set((s) => ({ shell: { ...s.shell, lost: undefined } }));
    }
    const announcement = announcementOf(event, live);
    if (announcement !== undefined) set({ announcement });
    switch (event.type) {
      case 'started':
        if (live !== undefined) set({ live: { ...live, adapter: event.adapter } });
        break;
      case 'progress': {
        const time = now();
        const changed = get().progress?.phase !== event.progress.phase || get().progress?.done !== event.progress.done;
        if (!changed && time - lastProgress < PROGRESS_INTERVAL) return false;
        lastProgress = time;
        set({ progress: event.progress });
        break;
      }
      case 'rows':
        if (live !== undefined) {
          // The old result gives way to the first of the new one.
          if (live.rows.length === 0) set({ report: undefined, ...FIRST_VIEW, hover: undefined });
          // A step costs what is new, however long the trace has become.
          live.rows.append(event.rows);
          live.routing.append(event.routing);
          set({ live: { ...live, layersDone: live.layersDone + (event.layer === undefined ? 0 : 1) } });
        }
        break;
      case 'lost': {
        const { error, layersDone } = event;
        set((s) => ({ shell: { ...s.shell, lost: { error, layersDone } } }));
        break;
      }
      case 'done':
        set((s) => ({ shell: { ...s.shell, origin: undefined, ownReport: event.report } }));
        set((s) => ({ costs: new Map([...s.costs, [event.report.model.headerSha256, costOf(event.report)]]) }));
        set({ phase: 'done', report: event.report, live: undefined, progress: undefined, cancelling: false });
        if (live !== undefined) set({ traced: { report: event.report, spec: live.spec } });
        break;
      case 'cancelled':
        set({ phase: 'cancelled', progress: undefined, cancelling: false, ...unless(live) });
        break;
      case 'failed':
        set(unless(live));
        failWith(set, event.error);
        break;
    }
    return true;
  };

  const askAdapter = (): Promise<void> => {
    adapter ??= client.adapter().then((found) => {
      set({ adapter: found });
      if ('code' in found) set((s) => ({ options: { ...s.options, engines: ['cpu'], inject: [] } }));
    });
    return adapter;
  };

  /** Ends what uses the engines beside a run: a continuation, or tensors on their way. */
  const endSideWork = async (): Promise<void> => {
    const { continuation, inspection } = get();
    if (continuation?.running === true || inspection?.fetching === true) await client.cancel();
  };

  const run = async (spec: RunSpec, onEvent?: (event: SessionEvent) => void): Promise<RunOutcome> => {
    const mine = ++runs;
    let outcome: RunOutcome | undefined;
    try {
      await client.run(spec, (event) => {
        if (mine !== runs) return;
        outcome ??= outcomeOf(event);
        if (take(event)) onEvent?.(event);
      });
    } catch (error) {
      const data = toErrorData(error);
      // A rejection after the run's own last event says nothing new.
      if (mine === runs && get().phase === 'running') {
        set(unless(get().live));
        failWith(set, data);
      }
      outcome ??= { kind: 'failed', error: data };
    }
    return outcome ?? { kind: 'superseded' };
  };

  const start: RunActions['start'] = async (instead = {}, onEvent) => {
    const { opened } = get();
    if (opened === undefined) return { kind: 'superseded' };
    const before = openings;
    // From the press on, "done" would be the last run's.
    if (ENDED.includes(get().phase)) set({ phase: 'ready', error: undefined });
    set((s) => ({ shell: { ...s.shell, panel: undefined, begun: true } }));
    let settled: SettledPrompt;
    try {
      // What is typed at this moment counts, however long the rest takes.
      const asked =
        instead.tokens === undefined ? prompt.settle() : Promise.resolve({ ...instead.tokens, text: undefined });
      [settled] = await Promise.all([asked, askAdapter(), endSideWork()]);
    } catch (error) {
      const data = toErrorData(error);
      failWith(set, data);
      return { kind: 'failed', error: data };
    }
    if (before !== openings || running !== undefined) return { kind: 'superseded' };
    const spec = specOf(get(), settled, instead);
    const live = {
      spec,
      model: opened.card,
      tokenTexts: settled.texts,
      adapter: undefined,
      rows: new Log<Row>(),
      routing: new Log<RoutingRow>(),
      layersDone: 0,
    };
    set({ phase: 'running', live, error: undefined, progress: undefined });
    set({ traced: undefined, continuation: undefined });
    const ended = run(spec, onEvent);
    running = ended;
    try {
      return await ended;
    } finally {
      running = undefined;
    }
  };

  const cancel = async (): Promise<void> => {
    if (running === undefined) await endSideWork();
    if (running === undefined || get().cancelling) return;
    set({ cancelling: true, announcement: 'Cancelling.' });
    await client.cancel();
  };

  return {
    get isRunning() {
      return running !== undefined;
    },
    askAdapter,
    start,
    cancel,
    resume: async () => {
      if (get().shell.lost === undefined) return;
      set((s) => ({ shell: { ...s.shell, lost: undefined }, announcement: 'Going on.' }));
      await client.resume();
    },
    end: async () => {
      await endSideWork();
      if (running === undefined) return;
      await cancel();
      await running;
    },
    supersede: () => {
      openings++;
    },
    forget: () => {
      runs++;
    },
  };
}

/** A run that has nothing to show leaves what was there. */
function unless(live: AppState['live']): Partial<AppState> {
  return live === undefined || live.rows.length > 0 ? {} : { live: undefined };
}

function outcomeOf(event: SessionEvent): RunOutcome | undefined {
  switch (event.type) {
    case 'done':
      return { kind: 'done', report: event.report };
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'failed':
      return { kind: 'failed', error: event.error };
    case 'started':
    case 'progress':
    case 'rows':
    case 'lost':
      return undefined;
  }
}

/** What is to run: the page's options, and what counts instead of them. */
function specOf({ options }: AppState, settled: SettledPrompt, instead: Instead): RunSpec {
  const { inject, routing, decode, thorough, ...rest } = options;
  return {
    tokens: settled.ids,
    ...(settled.text === undefined ? {} : { prompt: settled.text }),
    ...rest,
    ...(routing === 'own' ? {} : { routing }),
    ...(inject.length === 0 || !rest.engines.includes('gpu') ? {} : { inject }),
    ...behindPrompt({ ...rest, decode, thorough }),
    ...instead.spec,
  };
}

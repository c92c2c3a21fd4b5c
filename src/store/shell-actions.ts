import { toErrorData, type ErrorData } from '../base/errors';
import { plural } from '../base/format';
import { without } from '../base/without';
import type { Report } from '../divergence/report';
import { readPermalink, writePermalink, type Permalink } from '../share/permalink';
import type { SharedView } from '../share/shared-view';
import { FIRST_VIEW, type ViewState } from '../share/view-state';
import type { EngineClient } from '../worker/client-types';
import type { PageSource } from '../worker/page-source';
import type { TraceCard } from '../worker/trace-cards';
import { chooseSides } from './choose-sides';
import { fileKind } from './file-kind';
import { sourceName } from './page-url';
import { runId, type RunStore } from './run-store';
import type { CompareState, Dialog, Notice, Origin, Panel, ShareState, ShellState } from './shell-state';
import { optionsFromLink, optionsToLink } from './link-options';
import type { SetState } from './set-state';
import { adapterError, type AppState } from './state';
import { selectShown } from './view';

/** What the page around the trace needs of the browser. */
export interface ShellHost {
  /** The address's fragment, with its `#`. */
  fragment(): string;
  /** Replaces the fragment; a `step` can be gone back from. */
  setFragment(text: string, step: boolean): void;
  readonly runs: RunStore;
  /** Moves the keyboard to a part of the page by its `data-go`. */
  focus(part: string): void;
}

export interface ShellActions {
  /** Opens whatever was dropped or picked: models, traces, pictures, reports. */
  openFiles(sources: readonly PageSource[]): Promise<void>;
  /** Opens saved runs: traces, pictures, reports; also by their address, of which {@link openFiles} takes models alone. */
  openSaved(sources: readonly PageSource[]): Promise<void>;
  /** Opens one of the two reports that stand side by side. */
  openPaired(side: 0 | 1): Promise<void>;
  openDialog(dialog: Dialog): void;
  closeDialog(): void;
  /** Opens a panel of the run bar, or closes it where it is open. */
  togglePanel(panel: Panel | undefined): void;
  setSheet(open: boolean): void;
  /** Shows a run that was kept, or lets go of it. */
  openRun(id: string): Promise<void>;
  forgetRun(id: string): Promise<void>;
  dismissNotice(): void;
  setCompare(change: Partial<Pick<CompareState, 'a' | 'b' | 'common'>>): void;
  /** Compares the two chosen traces and shows the result. */
  compare(force: boolean): Promise<void>;
  setShare(change: Partial<ShareState>): void;
  /** From an opened file or comparison back to the last run, the opened model or the recorded trace. */
  back(): void;
  /** Reads the address's fragment, at the start and when it changes. */
  followLink(): void;
  focus(part: string): void;
}

/** What of the main store these actions use. */
export interface ShellBase {
  open(sources: readonly PageSource[]): Promise<void>;
  endRun(): Promise<void>;
  failWith(error: ErrorData): void;
  dismissError(): void;
  setPromptText(text: string): void;
  setTokenIds(text: string): void;
}

export function shellActions(
  client: EngineClient,
  host: ShellHost,
  get: () => AppState,
  set: SetState,
  base: ShellBase,
): ShellActions {
  const shell = (change: Partial<ShellState>): void => {
    set((s) => ({ shell: { ...s.shell, ...change } }));
  };
  const compareState = (change: Partial<CompareState>): void => {
    set((s) => ({ shell: { ...s.shell, compare: { ...s.shell.compare, ...change } } }));
  };

  const showReport = async (report: Report, origin: Origin, view: ViewState | undefined): Promise<void> => {
    await base.endRun();
    set({
      phase: 'done',
      report,
      live: undefined,
      error: undefined,
      progress: undefined,
      hover: undefined,
      ...(view ?? FIRST_VIEW),
      announcement: report.verdict.sentence,
    });
    shell({ origin, dialog: undefined, notice: undefined, panel: undefined, begun: true });
  };

  const problem = (error: ErrorData): void => {
    const { phase } = get();
    if (phase !== 'running' && phase !== 'loading') base.failWith(error);
    else shell({ notice: { text: error.message, remedy: error.remedy, code: error.code } });
    set({ announcement: `${error.message} ${error.remedy}` });
  };

  const readTraces = async (sources: readonly PageSource[]): Promise<void> => {
    const name =
      sources.length === 1 && sources[0] !== undefined ? sourceName(sources[0]) : plural(sources.length, 'file');
    shell({ reading: name });
    set({ announcement: `Reading ${name}.` });
    try {
      const { traces, views, ignored } = await client.readTraceFiles(sources);
      shell({ reading: undefined, notice: ignoredNotice(ignored) });
      // What went wrong with an earlier file is over.
      base.dismissError();
      if (traces.length > 0) await offer(traces);
      else if (views.length > 1) shell({ dialog: 'pair', pair: views.slice(-2) });
      else if (views[0] !== undefined) await showShared(views[0].file, views[0].shared);
    } catch (error) {
      shell({ reading: undefined });
      problem(toErrorData(error));
    }
  };

  const showShared = (file: string, { report, view, leftOut }: SharedView): Promise<void> =>
    showReport(report, { kind: 'file', file, leftOut }, view);

  /** Two engines of one drop are compared at once; one alone waits for its other side. */
  const offer = async (added: readonly TraceCard[]): Promise<void> => {
    const all = await client.traces();
    const { a, b, atOnce } = chooseSides(added, all);
    shell({ traces: all });
    compareState({ a, b, error: undefined });
    if (atOnce) await actions.compare(false);
    else shell({ dialog: 'compare' });
  };

  /** The run that a link is of: kept here, or small in the link itself. */
  const openLinked = async (link: Permalink): Promise<void> => {
    const kept = link.run === undefined ? undefined : await host.runs.open(link.run);
    if (kept !== undefined) {
      await showReport(kept, { kind: 'kept', created: kept.created }, link.view);
      shell({ link: undefined });
      return;
    }
    const { summary } = link;
    const report = summary === undefined ? undefined : (await import('../share/summary')).readSummary(summary);
    if (report !== undefined && summary !== undefined) {
      await showReport(report, { kind: 'link', summary }, link.view);
      shell({ link: undefined });
      return;
    }
    const name = link.model?.name ?? 'a model';
    const text =
      summary === undefined
        ? `The address is of a run of ${name} that this browser does not keep.`
        : 'The run in the link cannot be read: it was cut or changed on its way.';
    const remedy = 'What is shown is another run. Run it again, or ask for its picture or report.';
    shell({ link: undefined, notice: { text, remedy } });
  };

  const actions: ShellActions = {
    openFiles: async (sources) => {
      const kinds = await Promise.all(sources.map(fileKind));
      const models = sources.filter((_, i) => kinds[i] === 'model');
      const others = sources.filter((_, i) => kinds[i] === 'trace');
      if (models.length > 0) await base.open(models);
      if (others.length > 0) await readTraces(others);
    },
    openSaved: readTraces,
    openPaired: async (side) => {
      const found = get().shell.pair[side];
      if (found !== undefined) await showShared(found.file, found.shared);
    },
    openDialog: (dialog) => {
      shell({ dialog });
      if (dialog !== 'compare') return;
      client.traces().then(
        (traces) => {
          const { compare } = get().shell;
          const known = (id: string | undefined): string | undefined => traces.find((t) => t.id === id)?.id;
          shell({ traces });
          if (known(compare.a) === undefined && known(compare.b) === undefined) {
            const { a, b } = chooseSides(traces, traces);
            compareState({ a, b });
          }
        },
        (error: unknown) => {
          compareState({ error: toErrorData(error) });
        },
      );
    },
    closeDialog: () => {
      shell({ dialog: undefined });
    },
    togglePanel: (panel) => {
      shell({ panel: get().shell.panel === panel ? undefined : panel });
    },
    setSheet: (sheetOpen) => {
      shell({ sheetOpen });
    },
    openRun: async (id) => {
      const report = await host.runs.open(id);
      if (report === undefined) {
        shell({ runs: await host.runs.list(), notice: { text: 'That run is not kept any more.' } });
        return;
      }
      await showReport(report, { kind: 'kept', created: report.created }, undefined);
    },
    forgetRun: async (id) => {
      await host.runs.forget(id);
      shell({ runs: await host.runs.list() });
    },
    dismissNotice: () => {
      shell({ notice: undefined });
    },
    setCompare: (change) => {
      compareState({ ...change, error: undefined });
    },
    compare: async (force) => {
      const { compare, traces } = get().shell;
      const { a, b, common } = compare;
      if (a === undefined || b === undefined || compare.busy) return;
      compareState({ busy: true, error: undefined });
      try {
        const report = await client.compareTraces(a, b, { common, force });
        compareState({ busy: false });
        const name = (id: string): string => cardName(traces.find((card) => card.id === id));
        await showReport(report, { kind: 'comparison', a: name(a), b: name(b) }, undefined);
      } catch (error) {
        compareState({ busy: false, error: toErrorData(error) });
        shell({ dialog: 'compare' });
      }
    },
    setShare: (change) => {
      set((s) => ({ shell: { ...s.shell, share: { ...s.shell.share, ...change } } }));
    },
    back: () => {
      const { opened, shell: now } = get();
      const report = now.ownReport;
      set({ report, live: undefined, hover: undefined, error: undefined, ...FIRST_VIEW });
      set({ phase: report !== undefined ? 'done' : opened === undefined ? 'idle' : 'ready' });
      shell({ origin: undefined, notice: undefined });
    },
    followLink: () => {
      const reading = readPermalink(host.fragment());
      if (reading.kind === 'none') {
        // Back, to where nothing was chosen yet.
        if (get().selection !== undefined) set({ ...FIRST_VIEW });
        return;
      }
      if (reading.kind === 'unreadable') {
        shell({
          notice: { text: `The link in the address cannot be read: ${reading.why}.`, remedy: 'Ask for a new one.' },
        });
        return;
      }
      const { link } = reading;
      const { basis, unit, tab, zoom } = link.view;
      set((s) => ({ basis, unit, tab, zoom, options: { ...s.options, ...optionsFromLink(link.options) } }));
      if (link.prompt !== undefined) base.setPromptText(link.prompt);
      else if (link.tokens !== undefined) base.setTokenIds(link.tokens);
      shell({ link });
      const { report } = get();
      const isShown = link.run !== undefined && report !== undefined && runId(report) === link.run;
      if (isShown || (link.run === undefined && link.summary === undefined)) settleLink(get, set);
      else void openLinked(link);
    },
    focus: (part) => {
      host.focus(part);
    },
  };
  return actions;
}

/** Applies a link's selection once the trace that it is of is on the page; says so where another one is. */
export function settleLink(get: () => AppState, set: SetState): void {
  const { link } = get().shell;
  if (link === undefined) return;
  const shown = selectShown(get());
  if (shown.kind !== 'report' && shown.kind !== 'recorded') return;
  const { model } = shown.report;
  if (link.model !== undefined && !model.headerSha256.startsWith(link.model.hash)) {
    const notice: Notice = {
      text: `This link is of another model: ${link.model.name} (header ${link.model.hash}…), not of ${model.name}.`,
      remedy:
        'Drop that file and run it with the same prompt to see what the link points at: no run outlives its page, and a reload ends it.',
    };
    set((s) => ({ shell: { ...s.shell, notice } }));
    return;
  }
  set((s) => ({
    selection: link.view.selection,
    expert: link.view.expert,
    shell: { ...s.shell, link: undefined, notice: undefined },
  }));
}

/** How the trace on the page is looked at. */
export function viewStateOf(state: AppState): ViewState {
  const { basis, unit, tab, expert, selection, zoom } = state;
  return { basis, unit, tab, expert, selection, zoom };
}

/** The link to what is on the page now. `withPrompt` only where the person chose so; `summary`: the run itself, where it is to be in it. */
export function linkOf(state: AppState, withPrompt: boolean, summary?: string): string {
  const shown = selectShown(state);
  const report = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
  const { options, prompt, shell } = state;
  const { arms: engines, ...others } = optionsToLink(options);
  // Without an adapter the page itself chose the reference alone.
  const chosen = engines === undefined || adapterError(state) !== undefined ? others : { arms: engines, ...others };
  const { origin } = shell;
  const isKept = shown.kind === 'report' && (origin === undefined || origin.kind === 'kept');
  const rider = summary ?? (origin?.kind === 'link' ? origin.summary : undefined);
  const link: Permalink = {
    view: viewStateOf(state),
    // The defect of a recorded story is no choice of anybody's.
    options: shown.kind === 'recorded' && summary === undefined ? without(chosen, 'inject') : chosen,
    ...(withPrompt ? promptOf(prompt, report) : {}),
    ...(isKept && summary === undefined ? { run: runId(shown.report) } : {}),
    ...(rider === undefined ? {} : { summary: rider }),
  };
  const bare = writePermalink(link);
  if (bare === '' && !withPrompt) return '';
  const model = report?.model ?? state.opened?.card;
  if (model === undefined || model.headerSha256 === '') return bare;
  return writePermalink({ ...link, model: { name: model.name, hash: model.headerSha256 } });
}

function promptOf(typed: AppState['prompt'], report: Report | undefined): Pick<Permalink, 'prompt' | 'tokens'> {
  if (report?.run.prompt !== undefined) return { prompt: report.run.prompt };
  if (report !== undefined && report.run.tokens.length > 0) return { tokens: report.run.tokens.join(',') };
  if (typed.source === 'text' && typed.text !== '') return { prompt: typed.text };
  return typed.ids.length > 0 ? { tokens: typed.ids.join(',') } : {};
}

/** `gpu of run.npz`, `reference of this run`. */
export function cardName(card: TraceCard | undefined): string {
  if (card === undefined) return 'a trace';
  return `${card.engine} of ${card.file ?? 'this run'}`;
}

function ignoredNotice(ignored: readonly string[]): Notice | undefined {
  if (ignored.length === 0) return undefined;
  const shown = ignored.slice(0, 5).join(', ');
  const more = ignored.length > 5 ? ` and ${String(ignored.length - 5)} more` : '';
  return { text: `Not part of a trace, and left out: ${shown}${more}.` };
}

import { wrongPlaces } from '../plots/map/map-data';
import { TABS } from '../plots/tabs/tabs';
import type { AppStore } from './app-store';
import type { AppState } from './state';
import { canRun } from './run-target';
import { selectMapData, selectShown, selectView } from './view';

export interface Command {
  readonly id: string;
  /** What a button or a palette says. */
  readonly title: string;
  /** `KeyboardEvent.key` values. */
  readonly keys: readonly string[];
  /** A letter that means it together with Ctrl or Cmd, also while typing. */
  readonly chord?: string;
  enabled(state: AppState): boolean;
  run(store: AppStore): void;
}

const always = (): boolean => true;
const hasReport = (state: AppState): boolean => {
  const { kind } = selectShown(state);
  return kind === 'report' || kind === 'recorded';
};
const hasTrace = (state: AppState): boolean => selectView(state) !== undefined;
const hasWrong = (state: AppState): boolean => {
  const data = selectMapData(state);
  return data !== undefined && wrongPlaces(data).length > 0;
};
const isFree = (state: AppState): boolean => state.phase !== 'running' && state.phase !== 'loading';

/** Every command of the page: buttons, keys, palette and tests read this table. */
export const COMMANDS = [
  {
    id: 'palette',
    title: 'Commands',
    keys: [],
    chord: 'k',
    enabled: always,
    run: (store) => {
      const { dialog } = store.getState().shell;
      if (dialog === 'palette') store.actions.closeDialog();
      else store.actions.openDialog('palette');
    },
  },
  {
    id: 'open',
    title: 'Open…',
    keys: ['o'],
    enabled: always,
    run: (store) => {
      store.actions.pickFiles();
    },
  },
  {
    id: 'sample',
    title: 'Run the sample live',
    keys: [],
    enabled: isFree,
    run: (store) => {
      void store.actions.runSample();
    },
  },
  {
    id: 'run',
    title: 'Run',
    keys: ['r'],
    enabled: canRun,
    run: (store) => {
      void store.actions.run();
    },
  },
  {
    id: 'resume',
    title: 'Go on from the last finished layer',
    keys: ['u'],
    enabled: (state) => state.shell.lost !== undefined,
    run: (store) => {
      void store.actions.resume();
    },
  },
  {
    id: 'cancel',
    title: 'Cancel',
    keys: ['Escape'],
    enabled: (state) =>
      (state.phase === 'running' && !state.cancelling) ||
      state.continuation?.running === true ||
      state.inspection?.fetching === true,
    run: (store) => {
      void store.actions.cancel();
    },
  },
  {
    id: 'continue',
    title: 'Continue the text',
    keys: ['g'],
    enabled: (state) => state.traced !== undefined && isFree(state) && state.continuation?.running !== true,
    run: (store) => {
      void store.actions.continueText();
    },
  },
  {
    id: 'first',
    title: 'First wrong tensor',
    keys: ['f'],
    enabled: hasWrong,
    run: (store) => {
      store.actions.walk('first');
    },
  },
  {
    id: 'next',
    title: 'Next wrong tensor',
    keys: ['n'],
    enabled: hasWrong,
    run: (store) => {
      store.actions.walk('next');
    },
  },
  {
    id: 'previous',
    title: 'Previous wrong tensor',
    keys: ['p'],
    enabled: hasWrong,
    run: (store) => {
      store.actions.walk('previous');
    },
  },
  {
    id: 'zoom-in',
    title: 'Fewer layers',
    keys: ['+', '='],
    enabled: hasTrace,
    run: (store) => {
      store.actions.zoomBy(1);
    },
  },
  {
    id: 'zoom-out',
    title: 'More layers',
    keys: ['-'],
    enabled: (state) => state.zoom !== undefined,
    run: (store) => {
      store.actions.zoomBy(-1);
    },
  },
  {
    id: 'zoom-all',
    title: 'All layers',
    keys: ['0'],
    enabled: (state) => state.zoom !== undefined,
    run: (store) => {
      store.actions.setZoom(undefined);
    },
  },
  ...TABS.map(({ id, title }, i) => ({
    id: `tab-${id}` as const,
    title: `Show ${title}`,
    keys: [String(i + 1)],
    enabled: hasTrace,
    run: (store: AppStore): void => {
      store.actions.setTab(id);
      store.actions.focus(`tab-${id}`);
    },
  })),
  {
    id: 'runs',
    title: 'Runs…',
    keys: [],
    enabled: (state) => state.shell.runs.length > 0,
    run: (store) => {
      store.actions.openDialog('runs');
    },
  },
  {
    id: 'file',
    title: 'The open model…',
    keys: [],
    enabled: (state) => state.opened !== undefined || state.looked !== undefined,
    run: (store) => {
      store.actions.openDialog('file');
    },
  },
  {
    id: 'compare',
    title: 'Compare…',
    keys: ['m'],
    enabled: always,
    run: (store) => {
      store.actions.openDialog('compare');
    },
  },
  {
    id: 'bench',
    title: 'Benchmark…',
    keys: [],
    enabled: (state) => state.opened !== undefined && isFree(state),
    run: (store) => {
      store.actions.openDialog('bench');
    },
  },
  {
    id: 'share',
    title: 'Share…',
    keys: ['s'],
    enabled: hasReport,
    run: (store) => {
      store.actions.openDialog('share');
    },
  },
  {
    id: 'copy-link',
    title: 'Copy link to this view',
    keys: ['l'],
    enabled: always,
    run: (store) => {
      void store.actions.share('copy-link');
    },
  },
  {
    id: 'copy-picture',
    title: 'Copy picture',
    keys: ['i'],
    enabled: hasReport,
    run: (store) => {
      void store.actions.share('copy-picture');
    },
  },
  {
    id: 'back',
    title: 'Close this trace',
    keys: ['b'],
    enabled: (state) => state.shell.origin !== undefined,
    run: (store) => {
      store.actions.back();
    },
  },
  {
    id: 'prompt',
    title: 'Go to the prompt',
    keys: ['/'],
    enabled: always,
    run: (store) => {
      store.actions.focus('prompt');
    },
  },
  {
    id: 'trace',
    title: 'Go to the map',
    keys: ['.'],
    enabled: always,
    run: (store) => {
      store.actions.focus('trace');
    },
  },
  {
    id: 'save',
    title: 'Save report',
    keys: ['j'],
    enabled: hasReport,
    run: (store) => {
      store.actions.saveReport();
    },
  },
  {
    id: 'copy',
    title: 'Copy sentence',
    keys: ['c'],
    enabled: hasReport,
    run: (store) => {
      void store.actions.copySentence();
    },
  },
  {
    id: 'theme',
    title: 'Light or dark',
    keys: ['d', 't'],
    enabled: always,
    run: (store) => {
      const next = { auto: 'dark', dark: 'light', light: 'auto' } as const;
      store.actions.setTheme(next[store.getState().theme]);
    },
  },
  {
    id: 'keys',
    title: 'Keyboard',
    keys: ['?'],
    enabled: always,
    run: (store) => {
      store.actions.openDialog('keys');
    },
  },
] as const satisfies readonly Command[];

export type CommandId = (typeof COMMANDS)[number]['id'];

const byId: ReadonlyMap<CommandId, Command> = new Map(COMMANDS.map((c) => [c.id, c]));

/** The command's row of the table. */
export function command(id: CommandId): Command {
  const found = byId.get(id);
  if (found === undefined) throw new RangeError(`no command ${id}`);
  return found;
}

export interface KeyPress {
  readonly key: string;
  /** Ctrl or Meta was held. */
  readonly chord: boolean;
  /** Alt was held. */
  readonly alt: boolean;
  /** The focus is in a field that takes letters. */
  readonly typing: boolean;
}

/**
 * The command that a key press means now; undefined where it means none. Escape and chords work everywhere, letters not while typing,
 * and nothing but chords while a dialog is open (it closes on Escape by itself).
 */
export function commandForKey(press: KeyPress, state: AppState): Command | undefined {
  if (press.alt) return undefined;
  const letter = press.key.length === 1;
  const key = letter ? press.key.toLowerCase() : press.key;
  if (press.chord) return COMMANDS.find((c: Command) => c.chord === key && c.enabled(state));
  if (state.shell.dialog !== undefined) return undefined;
  if (letter && (press.typing || !state.shortcuts)) return undefined;
  return COMMANDS.find((c: Command) => c.keys.includes(key) && c.enabled(state));
}

/** The key as people read it: `Ctrl K`, `?`, `Esc`. */
export function keyText({ keys, chord }: Command): string | undefined {
  if (chord !== undefined) return `Ctrl ${chord.toUpperCase()}`;
  const key = keys[0];
  return key === 'Escape' ? 'Esc' : key;
}

import { rowIndex } from '../plots/trace-index';
import type { AppStore } from './app-store';
import type { AppState } from './state';
import { selectShown, selectView } from './view';

export interface Command {
  readonly id: string;
  /** What a button or a palette says. */
  readonly title: string;
  /** `KeyboardEvent.key` values. */
  readonly keys: readonly string[];
  enabled(state: AppState): boolean;
  run(store: AppStore): void;
}

const always = (): boolean => true;
const hasReport = (state: AppState): boolean => {
  const { kind } = selectShown(state);
  return kind === 'report' || kind === 'recorded';
};
const hasDivergence = (state: AppState): boolean => {
  const view = selectView(state);
  return view !== undefined && rowIndex(view.rows).parted;
};
const canRun = (state: AppState): boolean => state.phase !== 'running' && state.phase !== 'loading';

/** Every command of the page: buttons, keys, palette and tests read this table. */
export const COMMANDS = [
  {
    id: 'open',
    title: 'Open model…',
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
    enabled: canRun,
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
    id: 'cancel',
    title: 'Cancel',
    keys: ['Escape'],
    enabled: (state) => state.phase === 'running' && !state.cancelling,
    run: (store) => {
      void store.actions.cancel();
    },
  },
  {
    id: 'first',
    title: 'First divergence',
    keys: ['f'],
    enabled: hasDivergence,
    run: (store) => {
      store.actions.walk('first');
    },
  },
  {
    id: 'next',
    title: 'Next divergence',
    keys: ['n'],
    enabled: hasDivergence,
    run: (store) => {
      store.actions.walk('next');
    },
  },
  {
    id: 'previous',
    title: 'Previous divergence',
    keys: ['p'],
    enabled: hasDivergence,
    run: (store) => {
      store.actions.walk('previous');
    },
  },
  {
    id: 'save',
    title: 'Save report',
    keys: ['s'],
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
    keys: ['t'],
    enabled: always,
    run: (store) => {
      const next = { auto: 'dark', dark: 'light', light: 'auto' } as const;
      store.actions.setTheme(next[store.getState().theme]);
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
  /** Ctrl, Alt or Meta was held. */
  readonly modified: boolean;
  /** The focus is in a field that takes letters. */
  readonly typing: boolean;
}

/** The command that a key press means now; undefined where it means none. Escape works everywhere, letters not while typing. */
export function commandForKey(press: KeyPress, state: AppState): Command | undefined {
  if (press.modified) return undefined;
  const letter = press.key.length === 1;
  if (letter && (press.typing || !state.shortcuts)) return undefined;
  const key = letter ? press.key.toLowerCase() : press.key;
  return COMMANDS.find((c: Command) => c.keys.includes(key) && c.enabled(state));
}

import type { ErrorData } from '../base/errors';
import type { Report } from '../divergence/report';
import type { Permalink } from '../share/permalink';
import type { NamedView, TraceCard } from '../worker/trace-cards';
import type { KeptRun } from './run-store';

export type { NamedView, TraceCard } from '../worker/trace-cards';

export const DIALOGS = ['palette', 'keys', 'share', 'compare', 'pair', 'bench', 'runs', 'file'] as const;
export type Dialog = (typeof DIALOGS)[number];

/** Panels that open below a field of the run bar. */
export type Panel = 'candidate' | 'reference' | 'prompt' | 'defect' | 'measure';

/** Where the report on the page comes from, where it is no run of this page. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly leftOut: readonly string[] }
  | { readonly kind: 'comparison'; readonly a: string; readonly b: string }
  /** A run of this page that the browser kept. */
  | { readonly kind: 'kept'; readonly created: string }
  /** A summary that came in an address. */
  | { readonly kind: 'link'; readonly summary: string };

/** Something that the page says once, beside what it shows. */
export interface Notice {
  readonly text: string;
  readonly remedy?: string;
  readonly code?: string;
}

export interface CompareState {
  /** Ids of the candidate and of the reference. */
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly common: boolean;
  readonly busy: boolean;
  readonly error: ErrorData | undefined;
}

export interface ShareState {
  readonly withPrompt: boolean;
  readonly dark: boolean;
  /** The full sheet in place of the card. */
  readonly sheet: boolean;
  /** What is being made. */
  readonly busy: string | undefined;
  /** What was made last, in words. */
  readonly done: string | undefined;
  readonly error: ErrorData | undefined;
}

/** The page around the trace: dialogs, where things come from, what can be compared and shared. */
export interface ShellState {
  /** The recorded trace is there, or will not come: the page has something to say. */
  readonly started: boolean;
  readonly dialog: Dialog | undefined;
  readonly origin: Origin | undefined;
  readonly notice: Notice | undefined;
  /** Files being read, for the notice line. */
  readonly reading: string | undefined;
  readonly traces: readonly TraceCard[];
  /** Two reports that were dropped together, to be held against each other. */
  readonly pair: readonly NamedView[];
  readonly compare: CompareState;
  readonly share: ShareState;
  /** The GPU was lost in mid-run, and the run waits. */
  readonly lost: { readonly error: ErrorData; readonly layersDone: number } | undefined;
  /** The last run of this page, to go back to. */
  readonly ownReport: Report | undefined;
  /** Runs that this browser keeps, the newest first. */
  readonly runs: readonly KeptRun[];
  /** Somebody has run or opened something: the stories of the first visit are over. */
  readonly begun: boolean;
  /** The panel of the run bar that is open. */
  readonly panel: Panel | undefined;
  /** On a narrow page: the inspector covers most of it. */
  readonly sheetOpen: boolean;
  /** The link that the page was opened with, until what it points at is on the page. */
  readonly link: Permalink | undefined;
}

export const FIRST_SHELL: ShellState = {
  started: false,
  dialog: undefined,
  origin: undefined,
  notice: undefined,
  reading: undefined,
  traces: [],
  pair: [],
  compare: { a: undefined, b: undefined, common: false, busy: false, error: undefined },
  share: { withPrompt: false, dark: false, sheet: false, busy: undefined, done: undefined, error: undefined },
  lost: undefined,
  ownReport: undefined,
  runs: [],
  begun: false,
  panel: undefined,
  sheetOpen: false,
  link: undefined,
};

import type { ErrorData } from '../../base/errors';

/** Where a command writes: the process's own streams, or a test's. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** Standard error is a terminal: progress may rewrite its line. */
  readonly isInteractive: boolean;
  /** Columns of standard error. */
  readonly columns: number;
  /** Aborted once nobody reads standard output any more. */
  readonly readerGone?: AbortSignal;
  /** Which streams show colours; none where it is not said. */
  readonly colours?: { readonly out: boolean; readonly err: boolean };
}

/** The terminal of this process. What is written after its reader has gone is dropped. */
export function processTerminal(readerGone: AbortSignal): Terminal {
  const { stdout, stderr, env } = process;
  return {
    out: (text) => {
      if (!readerGone.aborted) stdout.write(text);
    },
    err: (text) => void stderr.write(text),
    isInteractive: stderr.isTTY,
    columns: stderr.columns || 80,
    readerGone,
    colours: { out: showsColours(stdout.isTTY, env), err: showsColours(stderr.isTTY, env) },
  };
}

/** Colours go to terminals only, and not where `NO_COLOR` (no-color.org) or `TERM=dumb` asks for none. */
export function showsColours(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: none = '', TERM: kind } = env;
  return isTerminal && none === '' && kind !== 'dumb';
}

/** ANSI codes of what a text means. */
const LOOKS = { good: '32', bad: '1;31', open: '33', head: '1', quiet: '2' } as const;
export type Look = keyof typeof LOOKS;

/** The text as its stream shows it. */
export function styled({ colours }: Terminal, stream: 'out' | 'err', look: Look, text: string): string {
  return colours?.[stream] === true && text !== '' ? `\x1b[${LOOKS[look]}m${text}\x1b[0m` : text;
}

const VERDICT_LOOKS: Readonly<Record<string, Look>> = {
  MATCH: 'good',
  DIVERGED: 'bad',
  POISONED: 'bad',
  INCOMPLETE: 'open',
  ERROR: 'bad',
  BASELINE: 'good',
  'BASELINE MOVED': 'bad',
  SUITE: 'good',
  'SUITE FAILED': 'bad',
  PASS: 'good',
  FAIL: 'bad',
};

/** A text that begins with a verdict (`MATCH: ...`), that word coloured. */
export function styledVerdict(terminal: Terminal, stream: 'out' | 'err', text: string): string {
  const [word = ''] = /^[A-Z]+(?: [A-Z]+)?(?=[ :])/.exec(text) ?? [];
  const look = VERDICT_LOOKS[word];
  return look === undefined ? text : styled(terminal, stream, look, word) + text.slice(word.length);
}

/** A failure for people: code and message, what was expected and found, what to do. No stack, except for a defect of ours. */
export function errorText(error: ErrorData, terminal?: Terminal): string {
  const details = Object.entries(error.detail).map(([name, value]) => `  ${name}: ${String(value)}\n`);
  const head = `error ${error.code}:`;
  return `${terminal === undefined ? head : styled(terminal, 'err', 'bad', head)} ${error.message}\n${details.join('')}  ${error.remedy}\n`;
}

import type { ErrorData } from '../../base/errors';
import { redactedText } from '../../base/redact-url';
import { joined, plainText, say, shownLines, splitText, type ShownText } from '../../base/foreign-text';

/** Where a command writes: the process's own streams, or a test's. It takes what has passed the gate for foreign text, and nothing else. */
export interface Terminal {
  /** Results. */
  out(text: ShownText): void;
  /** Progress and errors. */
  err(text: ShownText): void;
  /** Standard error is a terminal that can rewrite its line. */
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
      if (!readerGone.aborted) stdout.write(plainText(text));
    },
    err: (text) => void stderr.write(plainText(text)),
    isInteractive: stderr.isTTY && env['TERM'] !== 'dumb',
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
const CODES = {
  good: say`\x1b[32m`,
  bad: say`\x1b[1;31m`,
  open: say`\x1b[33m`,
  head: say`\x1b[1m`,
  quiet: say`\x1b[2m`,
} as const;
export type Look = keyof typeof CODES;

/** The text as its stream shows it. */
export function styled({ colours }: Terminal, stream: 'out' | 'err', look: Look, text: ShownText): ShownText {
  if (colours?.[stream] !== true || plainText(text) === '') return text;
  return joined([CODES[look], text, say`\x1b[0m`]);
}

const VERDICT_LOOKS: Readonly<Record<string, Look>> = {
  MATCH: 'good',
  DIVERGED: 'bad',
  'NOT FINITE': 'bad',
  'OUT OF': 'bad',
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
export function styledVerdict(terminal: Terminal, stream: 'out' | 'err', text: ShownText): ShownText {
  const [word = ''] = /^[A-Z]+(?: [A-Z]+)?(?=[ :])/.exec(plainText(text)) ?? [];
  const look = VERDICT_LOOKS[word];
  if (look === undefined) return text;
  const [head, rest] = splitText(text, word.length);
  return joined([styled(terminal, stream, look, head), rest]);
}

/** A failure for people: code and message, what was expected and found, what to do. No stack, except for a defect of ours. */
export function errorText(error: ErrorData, terminal?: Terminal): ShownText {
  const details = Object.entries(error.detail).map(([name, value]) =>
    // A stack is ours, and is read by lines.
    error.code === 'internal' && name === 'stack'
      ? say`  ${name}: ${shownLines(String(value))}\n`
      : say`  ${name}: ${String(value)}\n`,
  );
  const head = say`error ${error.code}:`;
  const red = terminal === undefined ? head : styled(terminal, 'err', 'bad', head);
  return say`${red} ${error.message}\n${joined(details)}  ${error.remedy}\n`;
}

/** What a failure came from, link by link, for `--verbose`: an address in it may be signed. */
export function causesText(error: unknown): ShownText {
  const links: ShownText[] = [];
  for (let at = error; at instanceof Error && at.cause !== undefined && links.length < MOST_CAUSES; at = at.cause) {
    links.push(
      say`  cause: ${redactedText(at.cause instanceof Error ? `${at.cause.name}: ${at.cause.message}` : String(at.cause))}\n`,
    );
  }
  return joined(links);
}

const MOST_CAUSES = 8;

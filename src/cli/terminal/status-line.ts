import type { Terminal } from './terminal';

/** What a command is at, on standard error. */
export interface StatusLine {
  /** On a terminal painted over the last one; elsewhere a line of its own. */
  show(text: string): void;
  /** Takes the painted line away, so that what follows starts on a clean one. */
  clear(): void;
}

export function statusLine(terminal: Terminal, isQuiet: boolean): StatusLine {
  let isPainted = false;
  return {
    show(text) {
      if (isQuiet) return;
      const line = text.slice(0, Math.max(1, terminal.columns - 1));
      terminal.err(terminal.isInteractive ? `\r\x1b[2K${line}` : `${text}\n`);
      isPainted = terminal.isInteractive;
    },
    clear() {
      if (isPainted) terminal.err('\r\x1b[2K');
      isPainted = false;
    },
  };
}

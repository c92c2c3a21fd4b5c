import { say, shown, splitText } from '../../base/foreign-text';
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
      const [line] = splitText(shown(text), Math.max(1, terminal.columns - 1));
      terminal.err(terminal.isInteractive ? say`\r\x1b[2K${line}` : say`${text}\n`);
      isPainted = terminal.isInteractive;
    },
    clear() {
      if (isPainted) terminal.err(say`\r\x1b[2K`);
      isPainted = false;
    },
  };
}

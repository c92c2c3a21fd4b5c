import { say, shown, splitText } from '../../base/foreign-text';
import { formatBytes, formatDuration } from '../../base/format';
import type { Terminal } from './terminal';

/** Least time between two lines where standard error is not a terminal, and between two paints where it is. */
const LINE_INTERVAL_MS = 2000;
const PAINT_INTERVAL_MS = 80;

/** Shows how far the writing or reading of a file is. */
export interface ByteProgress {
  /** Bytes done so far, and bytes there will be. */
  readonly show: (done: number, total: number) => void;
  /** Takes the painted line away. */
  readonly clear: () => void;
}

/**
 * Bytes, rate and time left on standard error: one line painted over on a terminal, a line now and then elsewhere.
 * @param doing what is done: Writing, Reading
 * @param now a clock in milliseconds
 */
export function byteProgress(
  doing: string,
  terminal: Terminal,
  isQuiet: boolean,
  now: () => number = Date.now,
): ByteProgress {
  const started = now();
  let lastShown = started;
  let isPainted = false;
  return {
    show(done, total) {
      const time = now();
      if (isQuiet || time - lastShown < (terminal.isInteractive ? PAINT_INTERVAL_MS : LINE_INTERVAL_MS)) return;
      lastShown = time;
      const rate = (1000 * done) / (time - started);
      const line = shown(
        [
          `${doing}  ${formatBytes(done)} of ${formatBytes(total)} (${Math.floor((100 * done) / total)} %)`,
          `${formatBytes(rate)}/s`,
          `${formatDuration((total - done) / rate)} left`,
        ].join('  '),
      );
      const [cut] = splitText(line, terminal.columns - 1);
      terminal.err(terminal.isInteractive ? say`\r\x1b[2K${cut}` : say`${line}\n`);
      isPainted = terminal.isInteractive;
    },
    clear() {
      if (isPainted) terminal.err(say`\r\x1b[2K`);
      isPainted = false;
    },
  };
}

import { say, shown, splitText, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatDuration } from '../../base/format';
import type { Progress, RunPhase, SessionEvent } from '../../session/events';
import type { Terminal } from './terminal';

/** Cells of the bar. */
const BAR_CELLS = 20;
/** Least time between two lines where standard error is not a terminal, and between two paints where it is. */
const LINE_INTERVAL_MS = 2000;
const PAINT_INTERVAL_MS = 80;

/** Memory that is worth a line before it is taken, bytes. */
const MUCH_MEMORY = 2 ** 30;

const PHASE_WORDS: Readonly<Record<RunPhase, string>> = {
  prepare: 'Preparing',
  embed: 'Embedding',
  layers: 'Layers',
  head: 'Head',
  report: 'Report',
};

/** One line of progress: phase, bar, bytes, rate, time left, current tensor. At most `columns` wide. */
export function progressLine(progress: Progress, columns: number): ShownText {
  const filled = Math.round((BAR_CELLS * progress.done) / Math.max(1, progress.total));
  const parts = [
    PHASE_WORDS[progress.phase].padEnd(9),
    `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}] ${progress.done}/${progress.total}`,
    ...(progress.bytes > 0 ? [formatBytes(progress.bytes)] : []),
    ...(progress.rate > 0 ? [`${formatBytes(progress.rate)}/s`] : []),
    ...(progress.secondsLeft === undefined ? [] : [`${formatDuration(progress.secondsLeft)} left`]),
    ...(progress.tensor === undefined ? [] : [progress.tensor]),
  ];
  return splitText(shown(parts.join('  ')), Math.max(1, columns - 1))[0];
}

/** Shows a run on standard error: one line that is painted over on a terminal, a line now and then elsewhere. */
export interface ProgressView {
  show(event: SessionEvent): void;
  /** Takes the painted line away, so that what follows starts on a clean one. */
  clear(): void;
}

/** @param now a clock in milliseconds */
export function progressView(terminal: Terminal, isQuiet: boolean, now: () => number = Date.now): ProgressView {
  let lastShown = -Infinity;
  let lastPhase: RunPhase | undefined;
  let isPainted = false;

  const clear = (): void => {
    if (isPainted) terminal.err(say`\r\x1b[2K`);
    isPainted = false;
  };
  const show = (event: SessionEvent): void => {
    if (isQuiet) return;
    if (event.type === 'started' && (event.needBytes ?? 0) >= MUCH_MEMORY)
      terminal.err(say`About ${formatBytes(event.needBytes ?? 0)} of memory for what is captured of a layer.\n`);
    if (event.type !== 'progress') return;
    const { progress } = event;
    const interval = terminal.isInteractive ? PAINT_INTERVAL_MS : LINE_INTERVAL_MS;
    if (progress.phase === lastPhase && now() - lastShown < interval) return;
    lastShown = now();
    lastPhase = progress.phase;
    if (terminal.isInteractive) {
      terminal.err(say`\r\x1b[2K${progressLine(progress, terminal.columns)}`);
      isPainted = true;
    } else {
      terminal.err(say`${progressLine(progress, 160)}\n`);
    }
  };
  return { show, clear };
}

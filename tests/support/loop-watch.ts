import { readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that this thread has computed: other processes on the same cores do not count. Off Linux the clock has to do. */
function computedMs(): number {
  try {
    const [ns] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(ns) / 1e6;
  } catch {
    return performance.now();
  }
}

export interface LoopWatch {
  /**
   * The longest that the thread has computed without letting the event loop run, in milliseconds, and what was under way. What collecting garbage took
   * of it does not count: a full collection passes all that a test runner keeps, ten times what a run does.
   */
  stop(): Promise<{ readonly ms: number; readonly during: string }>;
}

/** From one look to the next, by the clock, and what was computed in between. */
interface ByteRange {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
  readonly during: string;
}

/** Stretches that are kept: some of them may turn out to be garbage. */
const KEPT = 50;

/** Watches the event loop of the main thread. @param doing what is under way */
export function watchLoop(doing: () => string): LoopWatch {
  const collections: { readonly startTime: number; readonly duration: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    collections.push(...list.getEntries());
  });
  observer.observe({ entryTypes: ['gc'] });
  let last = { at: performance.now(), computed: computedMs() };
  let longest: readonly ByteRange[] = [];
  const look = (): void => {
    const now = { at: performance.now(), computed: computedMs() };
    const stretch = { from: last.at, to: now.at, ms: now.computed - last.computed, during: doing() };
    last = now;
    if (stretch.ms <= (longest[KEPT - 1]?.ms ?? 0)) return;
    longest = [...longest, stretch].sort((a, b) => b.ms - a.ms).slice(0, KEPT);
  };
  const timer = setInterval(look, 1);
  const withoutGarbage = ({ from, to, ms, during }: ByteRange): { readonly ms: number; readonly during: string } => {
    const within = collections.filter(({ startTime }) => startTime >= from && startTime <= to);
    return { ms: within.reduce((left, { duration }) => left - duration, ms), during };
  };
  return {
    stop: async () => {
      clearInterval(timer);
      look();
      // Entries are told in a task of their own.
      await sleep(20);
      observer.disconnect();
      return longest.map(withoutGarbage).reduce((a, b) => (b.ms > a.ms ? b : a), { ms: 0, during: '' });
    },
  };
}

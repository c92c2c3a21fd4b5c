import { readFileSync } from 'node:fs';

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
  /** The longest that the thread has computed without letting the event loop run, in milliseconds, and what was under way. */
  stop(): { readonly ms: number; readonly during: string };
}

/** Watches the event loop of the main thread. @param doing what is under way */
export function watchLoop(doing: () => string): LoopWatch {
  let last = computedMs();
  let longest = { ms: 0, during: '' };
  const look = (): void => {
    const now = computedMs();
    if (now - last > longest.ms) longest = { ms: now - last, during: doing() };
    last = now;
  };
  const timer = setInterval(look, 1);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return longest;
    },
  };
}

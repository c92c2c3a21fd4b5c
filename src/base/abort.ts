import { TracerError } from './errors';

/** Throws `run-cancelled` if the signal has been aborted. Call between units of work of at most a few dozen milliseconds. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

/** The error of a cancelled run. */
export function cancelled(): TracerError {
  return new TracerError({
    code: 'run-cancelled',
    message: 'The run was cancelled.',
    detail: {},
    remedy: 'Run it again.',
  });
}

/** Who waits for each signal. One listener serves them all: Node warns of a leak at the eleventh listener, and a read per worker passes that. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `react` once when the signal is aborted, at once where it already is. The result takes it back; safe to call twice. */
export function whenAborted(signal: AbortSignal, react: () => void): () => void {
  if (signal.aborted) {
    react();
    return () => undefined;
  }
  const reactions = waiting.get(signal) ?? listen(signal);
  // Its own function each time, so that one reaction can wait twice.
  const entry = (): void => {
    react();
  };
  reactions.add(entry);
  return () => {
    reactions.delete(entry);
  };
}

function listen(signal: AbortSignal): Set<() => void> {
  const reactions = new Set<() => void>();
  waiting.set(signal, reactions);
  signal.addEventListener(
    'abort',
    () => {
      for (const react of reactions) react();
      reactions.clear();
    },
    { once: true },
  );
  return reactions;
}

/**
 * `work`, or `run-cancelled` as soon as the signal is aborted, for work that cannot itself be stopped: it goes on unobserved.
 */
export function orCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const forget = whenAborted(signal, () => {
      reject(cancelled());
    });
    work.then(resolve, reject).finally(forget);
  });
}

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

/**
 * `work`, or `run-cancelled` as soon as the signal is aborted, for work that cannot itself be stopped: it goes on unobserved.
 */
export function orCancelled<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(cancelled());
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

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

import type { WorkerLike, WorkerPort } from '../../src/cpu/pool/protocol';

/** A thread of the test's own: what was posted to it, and its end without a word. */
export interface LocalThread<To, From> extends WorkerLike<To, From> {
  readonly posted: readonly To[];
  crash(reason: string): void;
}

/**
 * A thread's side of a protocol in this thread: the real one over structured clones, one task later.
 * @param serve as the thread's entry calls it @returns closes what was opened there
 */
export function localThread<To, From>(
  serve: (port: WorkerPort<To, From>) => { close(): Promise<void> } | undefined,
): LocalThread<To, From> {
  const posted: To[] = [];
  let toThread: ((message: To) => void) | undefined;
  let toPool: ((message: From) => void) | undefined;
  let crashed: ((reason: string) => void) | undefined;
  let ended = false;
  const later = (deliver: () => void): void => {
    setImmediate(() => {
      if (!ended) deliver();
    });
  };
  const served = serve({
    post: (message, transfer) => {
      const copy = structuredClone(message, { transfer: [...transfer] });
      later(() => toPool?.(copy));
    },
    listen: (onMessage) => {
      toThread = onMessage;
    },
  });
  return {
    posted,
    post: (message, transfer) => {
      posted.push(message);
      const copy = structuredClone(message, { transfer: [...transfer] });
      later(() => toThread?.(copy));
    },
    listen: (onMessage, onCrash) => {
      toPool = onMessage;
      crashed = onCrash;
    },
    crash: (reason) => crashed?.(reason),
    terminate: async () => {
      ended = true;
      await served?.close();
    },
  };
}

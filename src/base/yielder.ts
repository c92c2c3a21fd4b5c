import { throwIfAborted } from './abort';

/** Longest stretch of arithmetic between two looks at the event loop and the abort signal. */
const STRETCH_MS = 30;

/** Keeps a long computation interruptible. */
export interface Yielder {
  /** True when the current stretch has lasted long enough. Cheap. */
  due(): boolean;
  /** Lets the event loop run once, then throws `run-cancelled` if the signal was aborted. */
  yieldToEventLoop(): Promise<void>;
}

/** A yielder whose first stretch starts now. */
export function yielder(signal: AbortSignal | undefined): Yielder {
  let since = performance.now();
  return {
    due: () => performance.now() - since >= STRETCH_MS,
    yieldToEventLoop: async () => {
      await nextTask();
      throwIfAborted(signal);
      since = performance.now();
    },
  };
}

/** Resolves in a new task, after messages and timers that are due: setImmediate in Node, a message to oneself in browsers. */
function nextTask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

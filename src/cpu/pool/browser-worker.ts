import type { FromWorker, ToWorker, WorkerLike } from './protocol';

/** The reference leaves one core to the page and the GPU process, and takes no more than pay. */
export const CPU_WORKERS = Math.max(1, Math.min(8, navigator.hardwareConcurrency - 1));

/** A worker of the page. */
export function browserWorker(): WorkerLike<ToWorker, FromWorker> {
  return workerOf(new Worker(new URL('./worker-entry.ts', import.meta.url), { type: 'module', name: 'moescope-cpu' }));
}

/** A worker of the page that was made elsewhere: its address must stand where it is made. */
export function workerOf<To, From>(worker: Worker): WorkerLike<To, From> {
  return {
    post: (message, transfer) => {
      worker.postMessage(message, [...transfer]);
    },
    listen: (onMessage, onCrash) => {
      worker.onmessage = (event) => {
        onMessage(event.data);
      };
      worker.onerror = (event) => {
        onCrash(event.message || 'its script could not be loaded');
      };
      worker.onmessageerror = () => {
        onCrash('a message could not be read');
      };
    },
    terminate: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}

import { Worker } from 'node:worker_threads';
import { reasonOf } from '../../base/errors';
import type { FromWorker, ToWorker, WorkerLike } from './protocol';

/** A worker thread of Node. @param entry the built `node-worker-entry.ts`, or that of another protocol */
export function nodeWorker<To = ToWorker, From = FromWorker>(entry: URL, name = 'moescope-cpu'): WorkerLike<To, From> {
  const worker = new Worker(entry, { name });
  let ended = false;
  return {
    post: (message, transfer) => {
      worker.postMessage(message, transfer);
    },
    listen: (onMessage, onCrash) => {
      worker.on('message', onMessage);
      worker.on('messageerror', () => {
        onCrash('a message could not be read');
      });
      worker.on('error', (error) => {
        onCrash(reasonOf(error));
      });
      worker.on('exit', (code) => {
        if (!ended) onCrash(`it exited with status ${code}`);
      });
    },
    terminate: async () => {
      ended = true;
      await worker.terminate();
    },
  };
}

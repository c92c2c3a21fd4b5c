import { parentPort } from 'node:worker_threads';
import type { WorkerPort } from './protocol';

/** The pool as a worker thread of Node sees it. @throws Error in the main thread */
export function nodePort<To, From>(): WorkerPort<To, From> {
  const port = parentPort;
  if (port === null) throw new Error('this runs as a worker thread only');
  return {
    post: (message, transfer) => {
      port.postMessage(message, transfer);
    },
    listen: (onMessage) => {
      port.on('message', onMessage);
    },
  };
}

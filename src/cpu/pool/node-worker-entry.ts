import { parentPort } from 'node:worker_threads';
import { serveWorker } from './serve-worker';

const port = parentPort;
if (port === null) throw new Error('node-worker-entry runs as a worker thread only');

/** Entry of a CPU worker thread in Node. */
serveWorker({
  post: (message, transfer) => {
    port.postMessage(message, transfer);
  },
  listen: (onMessage) => {
    port.on('message', onMessage);
  },
});

import { parentPort } from 'node:worker_threads';
import type { ChatJob } from '../chat-job';
import { serveJob } from './serve';

const port = parentPort;
if (port === null) throw new Error('node-entry runs as a worker thread only');

/** Entry of a template's thread in Node. */
port.on('message', (job: ChatJob) => {
  serveJob(job, (answer) => {
    port.postMessage(answer);
  });
});

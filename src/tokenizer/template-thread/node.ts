import { Worker } from 'node:worker_threads';
import { reasonOf } from '../../base/errors';
import type { TemplateThread } from './renderer';

/** Megabytes of a template's thread; what a template makes step by step is bounded far below. */
const MOST_HEAP = 256;

/** A worker thread of Node. @param entry the built `node-entry.ts` */
export function nodeTemplateThread(entry: URL): TemplateThread {
  const worker = new Worker(entry, {
    name: 'moescope-template',
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP, maxYoungGenerationSizeMb: 32 },
  });
  return {
    post: (job) => {
      // Between jobs the thread keeps nobody waiting for the process's end.
      worker.ref();
      worker.postMessage(job);
    },
    listen: (onAnswer, onCrash) => {
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
      worker.on('message', (answer: Parameters<typeof onAnswer>[0]) => {
        if (answer.type !== 'begun') worker.unref();
        onAnswer(answer);
      });
      worker.on('error', (error) => {
        const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        onCrash(isFull ? `it takes more than ${MOST_HEAP} MB of memory` : reasonOf(error));
      });
      worker.on('exit', (status) => {
        onCrash(`its thread ended with status ${status}`);
      });
    },
    terminate: () => {
      worker.removeAllListeners();
      void worker.terminate();
    },
  };
}

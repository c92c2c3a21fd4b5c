import { availableParallelism } from 'node:os';
import { nodePort } from '../../cpu/pool/node-port';
import { nodeWorker } from '../../cpu/pool/node-worker';
import { createWorkerPool } from '../../cpu/pool/worker-pool';
import { nodeSource } from '../../gguf/node-source';
import { openSource } from '../../gguf/open-source';
import { serveReference } from './serve-reference';

/** Entry of the reference's thread in Node, with one thread a core for its products: their code is built beside this file. */
serveReference(
  nodePort(),
  (descriptor) => openSource(descriptor, { openPath: nodeSource }),
  (model) => {
    const entry = new URL('./cpu-worker.js', import.meta.url);
    return createWorkerPool(
      model,
      Array.from({ length: availableParallelism() }, () => nodeWorker(entry)),
    );
  },
);

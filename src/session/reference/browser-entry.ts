import { browserPort } from '../../cpu/pool/browser-port';
import { browserWorker, CPU_WORKERS } from '../../cpu/pool/browser-worker';
import { createWorkerPool } from '../../cpu/pool/worker-pool';
import { openSource } from '../../gguf/open-source';
import { serveReference } from './serve-reference';

/** Entry of the reference's thread in the page, with threads of its own for its products. */
serveReference(browserPort(), openSource, (model) =>
  createWorkerPool(model, Array.from({ length: CPU_WORKERS }, browserWorker)),
);

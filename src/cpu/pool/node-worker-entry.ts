import { nodeSource } from '../../gguf/node-source';
import { openSource } from '../../gguf/open-source';
import { nodePort } from './node-port';
import { serveWorker } from './serve-worker';

/** Entry of a CPU worker thread in Node. */
serveWorker(nodePort(), (descriptor) => openSource(descriptor, { openPath: nodeSource }));

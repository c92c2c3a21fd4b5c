import { openSource } from '../../gguf/open-source';
import { browserPort } from './browser-port';
import { serveWorker } from './serve-worker';

/** Entry of a CPU worker in the page. */
serveWorker(browserPort(), openSource);

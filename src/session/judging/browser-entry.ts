import { browserPort } from '../../cpu/pool/browser-port';
import { openSource } from '../../gguf/open-source';
import { serveJudge } from './serve-judge';

/** Entry of a judging thread in the page. */
serveJudge(browserPort(), openSource);

import { nodePort } from '../../cpu/pool/node-port';
import { nodeSource } from '../../gguf/node-source';
import { openSource } from '../../gguf/open-source';
import { serveJudge } from './serve-judge';

/** Entry of a judging thread in Node. */
serveJudge(nodePort(), (descriptor) => openSource(descriptor, { openPath: nodeSource }));

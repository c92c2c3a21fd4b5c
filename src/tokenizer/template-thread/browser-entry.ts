import type { ChatJob } from '../chat-job';
import { serveJob } from './serve';

/** Entry of a template's worker on the page. */
self.onmessage = ({ data }: MessageEvent<ChatJob>) => {
  serveJob(data, (answer) => {
    self.postMessage(answer);
  });
};

import { serveWorker } from './serve-worker';

/** Entry of a CPU worker in the page. */
serveWorker({
  post: (message, transfer) => {
    self.postMessage(message, { transfer: [...transfer] });
  },
  listen: (onMessage) => {
    self.onmessage = (event) => {
      onMessage(event.data);
    };
  },
});

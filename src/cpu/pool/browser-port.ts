import type { WorkerPort } from './protocol';

/** The pool as a worker of the page sees it. */
export function browserPort<To, From>(): WorkerPort<To, From> {
  return {
    post: (message, transfer) => {
      self.postMessage(message, { transfer: [...transfer] });
    },
    listen: (onMessage) => {
      self.onmessage = (event) => {
        onMessage(event.data);
      };
    },
  };
}

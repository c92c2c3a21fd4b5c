import type { TemplateAnswer, TemplateThread } from './renderer';

/** A worker of the page. */
export function browserTemplateThread(): TemplateThread {
  const worker = new Worker(new URL('./browser-entry.ts', import.meta.url), {
    type: 'module',
    name: 'moescope-template',
  });
  return {
    post: (job) => {
      worker.postMessage(job);
    },
    listen: (onAnswer, onCrash) => {
      worker.onmessage = ({ data }: MessageEvent<TemplateAnswer>) => {
        onAnswer(data);
      };
      worker.onerror = (event) => {
        onCrash(event.message || 'its thread could not be started');
      };
    },
    terminate: () => {
      worker.terminate();
    },
  };
}

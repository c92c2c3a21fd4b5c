import { cancelled } from '../../base/abort';
import { TracerError, type ErrorData } from '../../base/errors';
import { templateFailed, type ChatJob } from '../chat-job';

/** What a thread answers to a job: that it has begun, then one of the others. Plain data. */
export type TemplateAnswer =
  | { readonly type: 'begun' }
  | { readonly type: 'done'; readonly text: string }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** A thread that renders one job after another; `node.ts` and `browser.ts` start them. */
export interface TemplateThread {
  post(job: ChatJob): void;
  /** Called before each job. `onCrash`: the thread died or could not start. */
  listen(onAnswer: (answer: TemplateAnswer) => void, onCrash: (reason: string) => void): void;
  terminate(): void;
}

/** Renders a chat template. Ends with the signal. @throws TracerError `chat-template`, `run-cancelled` */
export type RenderChat = (job: ChatJob, signal?: AbortSignal) => Promise<string>;

/**
 * Milliseconds that a job may take once it has begun. What a template does step by step is counted in its thread; this ends single steps without end: a
 * list of itself as JSON, a hundred thousand blanks in a regular expression of the parser.
 */
const MOST_TIME = 3000;

/**
 * Renders in threads of their own, which are ended when a template does not come to an end, and when nobody waits for it any more. One thread is kept for the
 * next job.
 */
export function rendererIn(start: () => TemplateThread, mostMs = MOST_TIME): RenderChat {
  let idle: TemplateThread | undefined;
  return (job, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancelled());
        return;
      }
      const thread = idle ?? start();
      idle = undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = (isWhole: boolean): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (isWhole && idle === undefined) idle = thread;
        else thread.terminate();
      };
      const failed = (error: Error): void => {
        end(false);
        reject(error);
      };
      const onAbort = (): void => {
        failed(cancelled());
      };
      signal?.addEventListener('abort', onAbort);
      thread.listen(
        (answer) => {
          switch (answer.type) {
            case 'begun':
              timer = setTimeout(() => {
                failed(templateFailed(`it takes more than ${mostMs / 1000} s`));
              }, mostMs);
              return;
            case 'done':
              end(true);
              resolve(answer.text);
              return;
            case 'failed':
              end(true);
              reject(new TracerError(answer.error));
          }
        },
        (reason) => {
          failed(templateFailed(reason));
        },
      );
      thread.post(job);
    });
}

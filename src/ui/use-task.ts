import { useEffect, useRef, useState } from 'react';
import { toErrorData, type ErrorData } from '../base/errors';

/** Work that somebody asked for. */
export type Task<P, R> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly progress: P }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  | { readonly kind: 'done'; readonly result: R };

export interface TaskControl<P, R> {
  readonly task: Task<P, R>;
  /** Runs the work. A cancel leaves the task idle. @param first progress until `work` reports any */
  start(first: P, work: (report: (progress: P) => void) => Promise<R>): Promise<void>;
  /** Shows a failure of something that follows the work. */
  fail(error: unknown): void;
}

/** The state of work that ends with the component. @param end cancels it */
export function useTask<P, R>(end: () => Promise<unknown>): TaskControl<P, R> {
  const [task, setTask] = useState<Task<P, R>>({ kind: 'idle' });
  const busy = useRef(false);
  const open = useRef(true);
  useEffect(() => {
    open.current = true;
    return () => {
      open.current = false;
      if (busy.current) void end();
    };
  }, [end]);
  const show = (next: Task<P, R>): void => {
    if (open.current) setTask(next);
  };
  return {
    task,
    async start(first, work) {
      busy.current = true;
      show({ kind: 'running', progress: first });
      try {
        const result = await work((progress) => {
          if (busy.current) show({ kind: 'running', progress });
        });
        busy.current = false;
        show({ kind: 'done', result });
      } catch (error) {
        busy.current = false;
        const data = toErrorData(error);
        show(data.code === 'run-cancelled' ? { kind: 'idle' } : { kind: 'failed', error: data });
      }
    },
    fail(error) {
      show({ kind: 'failed', error: toErrorData(error) });
    },
  };
}

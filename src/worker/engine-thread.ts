import { releaseProxy, wrap, type Remote } from 'comlink';
import { fail } from '../base/errors';
import type { EngineService } from './engine-service';

/** The engine's worker, and a promise that rejects when it dies. */
export interface EngineThread {
  readonly service: Remote<EngineService>;
  /** Rejects when the worker fails or is no more; otherwise stays pending. */
  readonly crashed: Promise<never>;
  readonly isAlive: boolean;
}

let started = 0;

/** Starts the engine's worker. */
export function startEngineThread(): EngineThread {
  const name = `moescope-engine-${performance.timeOrigin}-${++started}`;
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module', name });
  const service = wrap<EngineService>(worker);
  let isAlive = true;
  let reject: (error: Error) => void = () => undefined;
  const crashed = new Promise<never>((_, no) => {
    reject = no;
  });
  crashed.catch(() => undefined);
  const end = (how: string): void => {
    if (!isAlive) return;
    isAlive = false;
    worker.terminate();
    service[releaseProxy]();
    reject(workerFailed(how));
  };
  worker.onerror = (event) => {
    end(`failed: ${event.message || 'its script could not be loaded'}`);
  };
  void whenGone(name, service).then(() => {
    end('ended without a word');
  });
  return {
    service,
    crashed,
    get isAlive() {
      return isAlive;
    },
  };
}

/**
 * Resolves when the worker is no more. A worker that was killed fires no event; but it holds a lock of its own name from its start, which
 * the browser gives on when its holder ends.
 */
async function whenGone(name: string, service: Remote<EngineService>): Promise<void> {
  // Once it has answered, it has the lock.
  await service.hello();
  // Pages without a secure context have no locks.
  if (!('locks' in navigator)) return new Promise(() => undefined);
  await navigator.locks.request(name, () => Promise.resolve());
}

function workerFailed(how: string): Error {
  return fail(
    'internal',
    `The engine's worker ${how}.`,
    'Run it again: a new worker opens the model first. If it happens again, the browser may be out of memory; please report it otherwise.',
    { worker: 'moescope-engine' },
  );
}

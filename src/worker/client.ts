import { proxy } from 'comlink';
import { toErrorData } from '../base/errors';
import type { EngineClient } from './client-types';
import { startEngineThread, type EngineThread } from './engine-thread';
import { carryErrorCodes } from './error-transfer';
import type { PageSource } from './page-source';

/**
 * The engine in a Web Worker of its own: the page stays fluid whatever runs. It starts with the first question to it. When the worker dies,
 * every call in progress rejects, and the next one finds a new worker with the same model open. Tensors of earlier runs and traces that
 * were read are lost with it.
 */
export function createEngineClient(start: () => EngineThread = startEngineThread): EngineClient {
  carryErrorCodes();
  let thread: EngineThread | undefined;
  /** What is open, for a worker that takes over. */
  let opened: readonly PageSource[] | undefined;
  /** Resolves when the model is open again in a worker that took over. */
  let reopened: Promise<unknown> = Promise.resolve();

  const orCrash = <T>({ crashed }: EngineThread, call: Promise<T>): Promise<T> => Promise.race([call, crashed]);
  const open: EngineClient['open'] = (descriptors) => {
    if (thread?.isAlive !== true) thread = start();
    return orCrash(thread, thread.service.open(descriptors));
  };
  /** The current worker, or a new one with the model open. */
  const living = async (): Promise<EngineThread> => {
    if (thread?.isAlive !== true) {
      thread = start();
      reopened = opened === undefined ? Promise.resolve() : open(opened);
    }
    const asked = thread;
    await reopened;
    return asked;
  };
  /** Calls a method of the service. Callbacks stay on this side: the worker is given proxies of them. */
  const ask = async (name: string, args: readonly unknown[]): Promise<unknown> => {
    const asked = await living();
    const method: unknown = Reflect.get(asked.service, name);
    if (typeof method !== 'function') throw new TypeError(`The engine has no ${name}.`);
    const sent = args.map((arg) => (typeof arg === 'function' ? proxy(arg) : arg));
    return orCrash(asked, Promise.resolve<unknown>(Reflect.apply(method, asked.service, sent)));
  };

  const own: Partial<EngineClient> = {
    open: async (descriptors) => {
      // Whatever was open before is not wanted any more.
      opened = undefined;
      reopened = Promise.resolve();
      const model = await open(descriptors);
      opened = descriptors;
      return model;
    },
  };
  const handler: ProxyHandler<Partial<EngineClient>> = {
    get: (known, name) => {
      // A symbol, or `then` of somebody who awaits the client, is no call.
      if (typeof name !== 'string' || name === 'then') return undefined;
      const mine: unknown = Reflect.get(known, name);
      if (mine !== undefined) return mine;
      const call = (...args: readonly unknown[]): Promise<unknown> => ask(name, args);
      return name === 'adapter' ? () => call().catch(toErrorData) : call;
    },
  };
  // The proxy has every method of the service: its type is the mapped one, which TypeScript cannot see.
  return new Proxy(own, handler) as EngineClient;
}

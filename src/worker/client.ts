import { proxy, type Remote } from 'comlink';
import { toErrorData, type ErrorData } from '../base/errors';
import type { AdapterCard, Report } from '../divergence/report';
import type { BenchReport } from '../session/bench-report';
import type { TapAnswer } from '../session/tap-inspector';
import type { EngineClient } from './client-types';
import type { PageSource } from './page-source';
import type { EngineService } from './engine-service';
import { startEngineThread, type EngineThread } from './engine-thread';
import type { TraceCard } from './trace-client-types';
import { carryErrorCodes } from './error-transfer';

/**
 * The engine in a Web Worker of its own: the page stays fluid whatever runs. It starts with the first question to it. When the worker dies,
 * every call in progress hears of it, and the next one finds a new worker with the same model open. Tensors of earlier runs and traces that
 * were read are lost with it.
 */
export function createEngineClient(): EngineClient {
  carryErrorCodes();
  let thread: EngineThread | undefined;
  /** What is open, for a worker that takes over. */
  let opened: readonly PageSource[] | undefined;
  /** Resolves when the model is open again in a worker that took over. */
  let reopened: Promise<unknown> = Promise.resolve();

  const orCrash = <T>({ crashed }: EngineThread, call: Promise<T>): Promise<T> => Promise.race([call, crashed]);
  const open = (descriptors: readonly PageSource[]): ReturnType<EngineClient['open']> => {
    if (thread?.isAlive !== true) thread = startEngineThread();
    return orCrash(thread, thread.service.open(descriptors));
  };
  /** The worker at hand, or a new one with the model open. */
  const living = async (): Promise<EngineThread> => {
    if (thread?.isAlive !== true) {
      thread = startEngineThread();
      reopened = opened === undefined ? Promise.resolve() : open(opened);
    }
    const asked = thread;
    await reopened;
    return asked;
  };
  const ask = async <T>(call: (service: Remote<EngineService>) => Promise<T>): Promise<T> => {
    const asked = await living();
    return orCrash(asked, call(asked.service));
  };

  return {
    open: async (descriptors) => {
      // Whatever was open before is not wanted any more.
      opened = undefined;
      reopened = Promise.resolve();
      const model = await open(descriptors);
      opened = descriptors;
      return model;
    },
    tokenize: (text, options) => ask((service) => service.tokenize(text, options)),
    tokenTexts: (ids) => ask((service) => service.tokenTexts(ids)),
    run: (spec, onEvent) => ask((service) => service.run(spec, proxy(onEvent))),
    tapSlice: (place) => ask<TapAnswer>((service) => service.tapSlice(place)),
    fetchTaps: (place) => ask<TapAnswer>((service) => service.fetchTaps(place)),
    generate: (spec, tokens, count, onToken) => ask((service) => service.generate(spec, tokens, count, proxy(onToken))),
    bench: (choice, onPhase) => ask<BenchReport>((service) => service.bench(choice, proxy(onPhase))),
    readTraceFiles: (files) => ask((service) => service.readTraceFiles(files)),
    traces: () => ask<readonly TraceCard[]>((service) => service.traces()),
    compareTraces: (a, b, options) => ask<Report>((service) => service.compareTraces(a, b, options)),
    saveTensors: (format, withPrompt) => ask<Blob>((service) => service.saveTensors(format, withPrompt)),
    resume: () => ask((service) => service.resume()),
    cancel: () => ask((service) => service.cancel()),
    adapter: () => ask<AdapterCard | ErrorData>((service) => service.adapter()).catch(toErrorData),
  };
}

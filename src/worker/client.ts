import { proxy, wrap, type Remote } from 'comlink';
import { fail, toErrorData, type ErrorData } from '../base/errors';
import type { AdapterCard, Report } from '../divergence/report';
import type { BenchReport } from '../session/bench-report';
import type { TapAnswer } from '../session/tap-inspector';
import type { EngineClient } from './client-types';
import type { EngineService } from './engine-service';
import type { TraceCard } from './trace-client-types';
import { carryErrorCodes } from './error-transfer';

interface Running {
  readonly service: Remote<EngineService>;
  /** Rejects when the worker cannot start or dies: it answers nothing then, and every call in progress must hear of it. */
  readonly crashed: Promise<never>;
}

function startWorker(): Running {
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), {
    type: 'module',
    name: 'moescope-engine',
  });
  const crashed = new Promise<never>((_, reject) => {
    worker.onerror = (event) => {
      reject(
        fail(
          'internal',
          `The engine's worker failed: ${event.message || 'its script could not be loaded'}.`,
          'Reload the page; if it happens again, please report it.',
          {
            worker: 'moescope-engine',
          },
        ),
      );
    };
  });
  crashed.catch(() => undefined);
  return { service: wrap<EngineService>(worker), crashed };
}

/** The engine in a Web Worker of its own: the page stays fluid whatever runs. It starts with the first question to it. */
export function createEngineClient(): EngineClient {
  carryErrorCodes();
  let running: Running | undefined;
  const ask = <T>(call: (service: Remote<EngineService>) => Promise<T>): Promise<T> => {
    running ??= startWorker();
    return Promise.race([call(running.service), running.crashed]);
  };
  return {
    open: (descriptors) => ask((service) => service.open(descriptors)),
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
    adapter: async () => ask<AdapterCard | ErrorData>((service) => service.adapter()).catch(toErrorData),
  };
}

import { proxy, wrap } from 'comlink';
import { fail, toErrorData, type ErrorData } from '../base/errors';
import type { AdapterCard, Report } from '../divergence/report';
import type { TapAnswer } from '../session/tap-inspector';
import type { EngineClient } from './client-types';
import type { EngineService } from './engine-service';
import type { TraceCard } from './trace-client-types';
import { carryErrorCodes } from './error-transfer';

/** The engine in a Web Worker of its own: the page stays fluid whatever runs. */
export function createEngineClient(): EngineClient {
  carryErrorCodes();
  const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), {
    type: 'module',
    name: 'moescope-engine',
  });
  const service = wrap<EngineService>(worker);
  // A worker that cannot start or dies answers nothing: every call in progress must hear of it.
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
  const orCrash = <T>(call: Promise<T>): Promise<T> => Promise.race([call, crashed]);
  return {
    open: (descriptors) => orCrash(service.open(descriptors)),
    tokenize: (text, options) => orCrash(service.tokenize(text, options)),
    tokenTexts: (ids) => orCrash(service.tokenTexts(ids)),
    run: (spec, onEvent) => orCrash(service.run(spec, proxy(onEvent))),
    tapSlice: (place) => orCrash<TapAnswer>(service.tapSlice(place)),
    fetchTaps: (place) => orCrash<TapAnswer>(service.fetchTaps(place)),
    generate: (spec, tokens, count, onToken) => orCrash(service.generate(spec, tokens, count, proxy(onToken))),
    readTraceFiles: (files) => orCrash(service.readTraceFiles(files)),
    traces: () => orCrash<readonly TraceCard[]>(service.traces()),
    compareTraces: (a, b, options) => orCrash<Report>(service.compareTraces(a, b, options)),
    saveTensors: (format, withPrompt) => orCrash<Blob>(service.saveTensors(format, withPrompt)),
    resume: () => orCrash(service.resume()),
    cancel: () => orCrash(service.cancel()),
    adapter: async () => orCrash<AdapterCard | ErrorData>(service.adapter()).catch(toErrorData),
  };
}

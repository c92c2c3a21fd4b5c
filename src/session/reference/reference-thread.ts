import { whenAborted } from '../../base/abort';
import { fail, TracerError } from '../../base/errors';
import { without } from '../../base/without';
import type { ExactEngine } from '../../cpu/engine/cpu-engine';
import { outlineOf } from '../../gguf/model-over';
import type { ModelFile } from '../../gguf/model-file';
import type { EngineHooks, StepOptions, StepResult } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { hasSpareCores } from '../spare-cores';
import type { FromReference, ReferenceCall, ReferenceWorker, SentOptions } from './protocol';

/**
 * The exact engine in a thread of its own, so that it waits for nothing that the candidate's thread does; undefined where that would not pay: on few
 * cores, and where the thread would fetch the file anew.
 * @param start a thread that nobody has spoken to
 */
export function referenceFor(
  model: ModelFile,
  hparams: HParams,
  cores: number,
  hooks: EngineHooks,
  start: () => ReferenceWorker,
): ExactEngine | undefined {
  return hasSpareCores(model, cores) ? createReferenceThread(model, hparams, hooks, start) : undefined;
}

interface Waiting {
  resolve(results: readonly StepResult[]): void;
  reject(error: TracerError): void;
}

/**
 * The exact engine in another thread, which opens the model anew by its descriptors. The bits of one in this thread.
 * @throws TracerError from its methods: as `createCpuEngine`'s; `cpu-worker` when the thread died
 */
export function createReferenceThread(
  model: ModelFile,
  hparams: HParams,
  hooks: EngineHooks,
  start: () => ReferenceWorker,
): ExactEngine {
  let worker: ReferenceWorker | undefined;
  let nextId = 0;
  const waiting = new Map<number, Waiting>();

  const take = (message: FromReference): void => {
    if (message.type === 'read') {
      hooks.onRead?.(message.tensor, message.bytes);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.type === 'done') call?.resolve(message.results);
    else call?.reject(new TracerError(message.error));
  };
  const end = async (reason: string): Promise<void> => {
    const ended = worker;
    worker = undefined;
    for (const call of [...waiting.values()]) call.reject(threadDied(reason));
    waiting.clear();
    await ended?.terminate();
  };
  const hire = (): ReferenceWorker => {
    const hired = start();
    hired.listen(
      (message) => {
        if (worker === hired) take(message);
      },
      (reason) => {
        if (worker === hired) void end(reason);
      },
    );
    hired.post({ type: 'open', outline: outlineOf(model), hparams }, []);
    return hired;
  };

  // Its threads start while a device is opened elsewhere.
  worker = hire();

  const ask = async (call: ReferenceCall, signal: AbortSignal | undefined): Promise<readonly StepResult[]> => {
    worker ??= hire();
    const asked = worker;
    const id = nextId++;
    const answered = new Promise<readonly StepResult[]>((resolve, reject) => waiting.set(id, { resolve, reject }));
    asked.post({ type: 'call', id, call }, []);
    const forget =
      signal &&
      whenAborted(signal, () => {
        asked.post({ type: 'cancel', id }, []);
      });
    try {
      return await answered;
    } finally {
      forget?.();
    }
  };
  const one = async (call: ReferenceCall, signal: AbortSignal | undefined): Promise<StepResult> => {
    const [result] = await ask(call, signal);
    if (result === undefined) throw fail('internal', 'A step came back empty.', 'Please report this defect.');
    return result;
  };

  return {
    id: 'cpu',
    begin: (tokens, nPast, options) => one({ step: 'begin', tokens, nPast, options: sent(options) }, options.signal),
    layer: (layer, options) => one({ step: 'advance', layer, options: sent(options) }, options.signal),
    end: (options) => one({ step: 'advance', layer: undefined, options: sent(options) }, options.signal),
    isolate: (layer, reference, options) =>
      one({ step: 'isolate', layer, reference, options: sent(options) }, options.signal),
    async advanceAndIsolate(layer, options, reference, isolated) {
      const call = {
        step: 'advance and isolate',
        ...{ layer, options: sent(options), reference, isolated: sent(isolated) },
      } as const;
      const [advanced, alone] = await ask(call, options.signal ?? isolated.signal);
      if (advanced === undefined || alone === undefined)
        throw fail('internal', 'A step came back empty.', 'Please report this defect.');
      return [advanced, alone];
    },
    dispose: () => end('the model was closed'),
  };
}

function sent(options: StepOptions): SentOptions {
  return without(options, 'signal');
}

function threadDied(reason: string): TracerError {
  return fail(
    'cpu-worker',
    `The thread of the reference stopped: ${reason}.`,
    'Run it again. If it stops again, run fewer tokens.',
    { reason },
  );
}

import { fail, toErrorData } from '../../base/errors';
import { isShared } from '../../base/shared-memory';
import { createCpuEngine, type ExactEngine } from '../../cpu/engine/cpu-engine';
import type { CpuPool } from '../../cpu/pool/cpu-pool';
import type { ModelFile } from '../../gguf/model-file';
import { openOutline, type OpenSource } from '../../gguf/model-over';
import type { StepOptions, StepResult } from '../../model/engine';
import type { ReferenceCall, ReferencePort, SentOptions } from './protocol';

/** Between two messages about what was read. */
const TELL_MS = 50;

interface Opened {
  readonly engine: ExactEngine;
  readonly pool: CpuPool;
  readonly model: ModelFile;
}

/**
 * The thread's side: the exact engine, asked for one step after the other.
 * @param openSource opens the model's parts in this thread
 * @param createPool threads for its products
 * @returns ends them and closes the model; the end of the thread does as well
 */
export function serveReference(
  port: ReferencePort,
  openSource: OpenSource,
  createPool: (model: ModelFile) => CpuPool,
): { close(): Promise<void> } {
  let opened: Promise<Opened> | undefined;
  let tail: Promise<void> = Promise.resolve();
  const inHand = new Map<number, AbortController>();
  const reads = readTeller(port);

  port.listen((message) => {
    switch (message.type) {
      case 'open': {
        const { outline, hparams } = message;
        opened = openOutline(outline, openSource).then((model) => {
          const pool = createPool(model);
          const options = { model, hparams, pool, hooks: { onRead: reads.onRead } };
          return { engine: createCpuEngine(options), pool, model };
        });
        // Told with the first call.
        opened.catch(() => undefined);
        return;
      }
      case 'call': {
        const { id, call } = message;
        const abort = new AbortController();
        inHand.set(id, abort);
        tail = tail.then(async () => {
          try {
            if (opened === undefined) throw fail('internal', 'No model is open here.', 'Please report this defect.');
            const results = await answer((await opened).engine, call, abort.signal);
            reads.tell();
            port.post({ type: 'done', id, results }, memoryOf(results));
          } catch (error) {
            port.post({ type: 'failed', id, error: toErrorData(error) }, []);
          } finally {
            inHand.delete(id);
          }
        });
        return;
      }
      case 'cancel':
        inHand.get(message.id)?.abort();
    }
  });
  return {
    close: async () => {
      const all = await opened?.catch(() => undefined);
      await all?.pool.dispose();
      await all?.model.close();
    },
  };
}

async function answer(engine: ExactEngine, call: ReferenceCall, signal: AbortSignal): Promise<readonly StepResult[]> {
  const with_ = (options: SentOptions): StepOptions => ({ ...options, signal });
  const options = with_(call.options);
  switch (call.step) {
    case 'begin':
      return [await engine.begin(call.tokens, call.nPast, options)];
    case 'advance':
      return [await (call.layer === undefined ? engine.end(options) : engine.layer(call.layer, options))];
    case 'isolate':
      return [await engine.isolate(call.layer, call.reference, options)];
    case 'advance and isolate':
      return engine.advanceAndIsolate(call.layer, options, call.reference, with_(call.isolated));
  }
}

/** Memory of results that is not shared: it is handed over. */
function memoryOf(results: readonly StepResult[]): readonly ArrayBuffer[] {
  const memory = new Set<ArrayBuffer>();
  for (const { captures } of results)
    for (const { data, bound, exact } of captures.values())
      for (const values of [data, bound, exact])
        if (values !== undefined && !isShared(values.buffer)) memory.add(values.buffer as ArrayBuffer);
  return [...memory];
}

/** Tells what was read, not more often than a progress bar moves. */
function readTeller(port: ReferencePort): { onRead(tensor: string, bytes: number): void; tell(): void } {
  let pending: { readonly tensor: string; readonly bytes: number } | undefined;
  let told = 0;
  const tell = (): void => {
    if (pending !== undefined) port.post({ type: 'read', ...pending }, []);
    pending = undefined;
    told = performance.now();
  };
  return {
    tell,
    onRead: (tensor, bytes) => {
      pending = { tensor, bytes: (pending?.bytes ?? 0) + bytes };
      if (performance.now() - told > TELL_MS) tell();
    },
  };
}

import { throwIfAborted } from '../../base/abort';
import { yielder } from '../../base/yielder';
import { fail, toErrorData } from '../../base/errors';
import { RecycledBytes } from '../../base/recycled-bytes';
import type { ModelFile } from '../../gguf/model-file';
import { openOutline, type OpenSource } from '../../gguf/model-over';
import { fileBytes, readRows } from '../../gguf/tensor-rows';
import type { UnitMessage, WorkerPort } from './protocol';
import { computeUnit } from './unit';

/**
 * The worker's side of the protocol: multiplies one unit after the other. Where it reads by itself, a unit is read while those before it
 * are multiplied.
 */
export function serveWorker(port: WorkerPort, openSource: OpenSource): void {
  let tail: Promise<void> = Promise.resolve();
  let model: Promise<ModelFile> | undefined;
  const memory = new RecycledBytes();
  const inHand = new Map<number, AbortController>();

  const bytesOf = async (unit: UnitMessage, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
    if (unit.bytes !== undefined) return unit.bytes;
    if (model === undefined) throw fail('internal', 'No model is open here.', 'Please report this defect.');
    return readRows(await model, unit, { signal }, memory.take(fileBytes(unit)));
  };
  const multiply = async (
    unit: UnitMessage,
    reading: Promise<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      const bytes = await reading;
      throwIfAborted(signal);
      const { y, magnitudes } = await computeUnit({ ...unit, bytes }, yielder(signal));
      memory.giveBack(bytes);
      const transfer = magnitudes === undefined ? [y.buffer] : [y.buffer, magnitudes.buffer];
      port.post({ type: 'done', id: unit.id, y, magnitudes }, transfer);
    } catch (error) {
      port.post({ type: 'failed', id: unit.id, error: toErrorData(error) }, []);
    } finally {
      inHand.delete(unit.id);
    }
  };

  port.listen((message) => {
    switch (message.type) {
      case 'open':
        model = openOutline(message.outline, openSource);
        // Met by the first unit.
        model.catch(() => undefined);
        return;
      case 'unit': {
        const controller = new AbortController();
        inHand.set(message.id, controller);
        const reading = bytesOf(message, controller.signal);
        // Met when its turn comes; until then a failure must not count as unhandled.
        reading.catch(() => undefined);
        tail = tail.then(() => multiply(message, reading, controller.signal));
        return;
      }
      case 'cancel':
        for (const id of message.ids) inHand.get(id)?.abort();
    }
  });
}

import { throwIfAborted } from '../../base/abort';
import { fail, toErrorData } from '../../base/errors';
import type { ByteSource } from '../../gguf/byte-source';
import { openSource, type PathOpener } from '../../gguf/open-source';
import { breather } from './breather';
import type { ToWorker, WorkerPort } from './protocol';
import { computeUnit } from './unit';

type UnitMessage = Extract<ToWorker, { type: 'unit' }>;

/**
 * The worker's side of the protocol. Opens the model's sources itself, reads each unit's bytes at once and multiplies one unit after
 * the other, so the next unit is read while one is computed.
 * @param openPath how to open a file path, where there is a file system
 */
export function serveWorker(port: WorkerPort, openPath?: PathOpener): void {
  let sources: Promise<readonly ByteSource[]> = Promise.resolve([]);
  let tail: Promise<void> = Promise.resolve();
  const inHand = new Map<number, AbortController>();

  const read = async (unit: UnitMessage, signal: AbortSignal): Promise<Uint8Array> => {
    const source = (await sources)[unit.tensor.part];
    if (source === undefined) {
      throw fail('cpu-worker', `A worker has no part ${unit.tensor.part} of the model.`, 'Run it again.');
    }
    const bytes = await source.read(unit.tensor.offset + unit.offset, unit.length, signal);
    port.post({ type: 'read', id: unit.id, bytes: unit.length }, []);
    return bytes;
  };
  const multiply = async (unit: UnitMessage, reading: Promise<Uint8Array>, signal: AbortSignal): Promise<void> => {
    try {
      throwIfAborted(signal);
      const { y, magnitudes } = await computeUnit({ ...unit, bytes: await reading }, breather(signal));
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
        sources = Promise.all(message.descriptors.map((descriptor) => openSource(descriptor, { openPath })));
        // Met by the first unit that reads; until then it must not count as unhandled.
        sources.catch(() => undefined);
        return;
      case 'unit': {
        const controller = new AbortController();
        inHand.set(message.id, controller);
        const reading = read(message, controller.signal);
        reading.catch(() => undefined);
        tail = tail.then(() => multiply(message, reading, controller.signal));
        return;
      }
      case 'cancel':
        for (const id of message.ids) inHand.get(id)?.abort();
    }
  });
}

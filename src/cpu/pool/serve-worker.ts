import { throwIfAborted } from '../../base/abort';
import { toErrorData } from '../../base/errors';
import { breather } from './breather';
import type { ToWorker, WorkerPort } from './protocol';
import { computeUnit } from './unit';

type UnitMessage = Extract<ToWorker, { type: 'unit' }>;

/** The worker's side of the protocol: multiplies one unit after the other. */
export function serveWorker(port: WorkerPort): void {
  let tail: Promise<void> = Promise.resolve();
  const inHand = new Map<number, AbortController>();

  const multiply = async (unit: UnitMessage, signal: AbortSignal): Promise<void> => {
    try {
      throwIfAborted(signal);
      const { y, magnitudes } = await computeUnit(unit, breather(signal));
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
      case 'unit': {
        const controller = new AbortController();
        inHand.set(message.id, controller);
        tail = tail.then(() => multiply(message, controller.signal));
        return;
      }
      case 'cancel':
        for (const id of message.ids) inHand.get(id)?.abort();
    }
  });
}

import { transferHandlers, type TransferHandler } from 'comlink';
import { toErrorData, TracerError, type ErrorData } from '../base/errors';

/** Comlink's own name for the handler of thrown values. */
const THROW = 'throw';

interface Thrown {
  readonly value: unknown;
}

/**
 * Lets a thrown `TracerError` cross the worker boundary with its code, detail and remedy; comlink alone keeps only name, message and
 * stack. Must be called once on both sides.
 */
export function carryErrorCodes(): void {
  const original = transferHandlers.get(THROW);
  if (original === undefined) throw new Error('comlink has no handler for thrown values');
  const handler: TransferHandler<Thrown, ErrorData> = {
    canHandle: (value): value is Thrown => original.canHandle(value),
    serialize: ({ value }) => [toErrorData(value), []],
    deserialize: (data) => {
      throw new TracerError(data);
    },
  };
  transferHandlers.set(THROW, handler);
}

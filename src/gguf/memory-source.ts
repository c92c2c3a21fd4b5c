import { throwIfAborted } from '../base/abort';
import type { ByteSource } from './byte-source';
import { checkRange } from './range';

/** A source over bytes in memory. Reads are copies, so a reader may transfer or change them. */
export function memorySource(bytes: Uint8Array<ArrayBuffer>, name = 'memory'): ByteSource {
  return {
    name,
    size: bytes.length,
    descriptor: { kind: 'memory', name, bytes },
    read: (offset, length, signal) =>
      Promise.resolve().then(() => {
        throwIfAborted(signal);
        checkRange(name, bytes.length, offset, length);
        return bytes.slice(offset, offset + length);
      }),
    close: () => Promise.resolve(),
  };
}

import { orCancelled, throwIfAborted } from '../base/abort';
import { fail } from '../base/errors';
import type { ByteSource } from './byte-source';
import { changed, checkRange } from './range';

/** What browsers reject a read with when the file behind a `File` was written to, moved or deleted. */
const GONE = ['NotReadableError', 'NotFoundError'];

/** A source over a `File` or `Blob`; only the slices that are asked for are read. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  // A File's size is looked up on disk in some browsers; take it once.
  const size = blob.size;
  return {
    name,
    size,
    descriptor: { kind: 'blob', name, blob },
    async read(offset, length, signal) {
      throwIfAborted(signal);
      checkRange(name, size, offset, length);
      let buffer: ArrayBuffer;
      try {
        buffer = await orCancelled(blob.slice(offset, offset + length).arrayBuffer(), signal);
      } catch (error) {
        throw readError(name, error);
      }
      if (buffer.byteLength !== length) {
        throw changed(name, `a read of ${length} bytes gave ${buffer.byteLength}`, {
          offset,
          expected: length,
          actual: buffer.byteLength,
        });
      }
      return new Uint8Array(buffer);
    },
    close: () => Promise.resolve(),
  };
}

function readError(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'TracerError') return error;
  if (GONE.includes(error.name)) {
    return changed(name, 'the browser can no longer read it (moved, deleted or written to)', {}, error);
  }
  return fail(
    'source-read',
    `${name} cannot be read: ${error.message}.`,
    'Check that the file is readable and that its disk is connected, then open it again.',
    { source: name, error: error.name },
    error,
  );
}

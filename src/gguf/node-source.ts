import { fstatSync, read as readFile } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { throwIfAborted } from '../base/abort';
import { fail, reasonOf } from '../base/errors';
import type { ByteSource } from './byte-source';
import { changed, checkRange } from './range';
import { openRegular } from './regular-file';

/** Largest single read: the kernel caps one call just below 2 GiB, and abort is looked at between reads. */
const READ_PIECE_BYTES = 64 * 2 ** 20;

/**
 * A source over a file on disk, for Node. The only file of this folder that imports `node:*`: never import it from code that the page
 * bundles.
 * @param modified when the file was last written to, where that is known already
 * @throws TracerError `source-read` when the path is not a readable file; `source-changed`
 */
export async function nodeSource(path: string, modified?: number): Promise<ByteSource> {
  const name = basename(path);
  const handle = await openRegular(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  let known = await handle.stat();
  const { size, mtimeMs } = known;
  if (modified !== undefined && mtimeMs !== modified) {
    await handle.close();
    throw changed(name, 'it was written to');
  }
  let closing: Promise<void> | undefined;
  /** A number of a file that is closed may be another file's by the time it is read: closing waits for these. */
  const underWay = new Set<Promise<unknown>>();

  /** In this thread: the system answers from memory, in a hundredth of the time that a turn through the pool of threads takes. */
  const look = async (): Promise<void> => {
    const now = fstatSync(handle.fd);
    if (now.size !== size)
      throw changed(name, `its size was ${size} and is ${now.size}`, { expected: size, actual: now.size });
    if (now.mtimeMs !== mtimeMs) throw changed(name, 'it was written to');
    // The open file lives on without a name; opening the path again gives another file, or none.
    if (now.nlink === 0) throw changed(name, 'it was deleted or replaced');
    // The time of writing can be set back; the time of change cannot. It moves for a new name, link, owner or mode as well, which change no byte.
    if (now.ctimeMs !== known.ctimeMs) {
      const isHarmless = (['mode', 'uid', 'gid', 'nlink'] as const).some((field) => now[field] !== known[field]);
      const there = isHarmless ? undefined : await stat(path).catch(() => undefined);
      if (there !== undefined && there.ino === now.ino && there.dev === now.dev) {
        throw changed(name, 'it was written to, and its time of writing was set back');
      }
      known = now;
    }
  };

  return {
    name,
    size,
    descriptor: { kind: 'path', path, modified: mtimeMs },
    async read(offset, length, signal, into) {
      throwIfAborted(signal);
      checkRange(name, size, offset, length);
      if (closing !== undefined) throw unreadable(path, new Error('it was closed'));
      // Every byte is read, or the read fails: filling them with zeros before would take as long as the read.
      const bytes = into?.length === length ? into : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      // Looked at afterwards, so that a change during the read is seen.
      const reading = readFully(handle.fd, bytes, offset, name, signal).then(look);
      underWay.add(reading);
      try {
        await reading;
      } catch (error) {
        throw unreadable(path, error);
      } finally {
        underWay.delete(reading);
      }
      return bytes;
    },
    close: () => (closing ??= Promise.allSettled(underWay).then(() => handle.close())),
  };
}

async function readFully(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  offset: number,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const want = Math.min(READ_PIECE_BYTES, bytes.length - done);
    const bytesRead = await readPiece(fd, bytes, done, want, offset + done);
    throwIfAborted(signal);
    if (bytesRead === 0)
      throw changed(name, `it ends at byte ${offset + done}`, { offset, expected: bytes.length, actual: done });
    done += bytesRead;
  }
}

/** As `FileHandle.read`, which takes ten times as long around the read itself. */
function readPiece(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    readFile(fd, bytes, at, length, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

function unreadable(path: string, error: unknown): unknown {
  if (error instanceof Error && error.name === 'TracerError') return error;
  const reason = reasonOf(error);
  return fail(
    'source-read',
    `${path} cannot be read: ${reason}.`,
    'Check the path and that you may read the file.',
    { path, reason },
    error,
  );
}

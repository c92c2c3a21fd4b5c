import { open, rm, type FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../base/abort';
import { layoutGguf, writeGguf, type GgufToWrite } from '../gguf/writer';
import { writeError } from './write-error';

/** One file to write. */
export interface FileToWrite {
  readonly path: string;
  readonly file: GgufToWrite;
}

export interface WriteOptions {
  /** Replace files that are there. */
  readonly force?: boolean;
  /** Called after every write with the bytes written so far and those that there will be, over all files. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes model files, for Node, tensor by tensor. Files that are not finished are removed again.
 * @returns bytes of all files
 * @throws TracerError `usage` when a file is there already and `force` is not set, or cannot be written (no room, no permission);
 * `run-cancelled`
 */
export async function writeModelFiles(files: readonly FileToWrite[], options: WriteOptions = {}): Promise<number> {
  const laidOut = files.map(({ path, file }) => ({ path, file, layout: layoutGguf(file) }));
  const total = laidOut.reduce((sum, { layout }) => sum + layout.bytes, 0);
  const opened: { readonly path: string; readonly handle: FileHandle }[] = [];
  const closeAll = (): Promise<unknown> => Promise.allSettled(opened.map(({ handle }) => handle.close()));
  try {
    // All are opened first, so that nothing is written when one of them may not be.
    for (const { path } of files) opened.push({ path, handle: await openNew(path, options.force === true) });
    let before = 0;
    for (const [i, { path, file, layout }] of laidOut.entries()) {
      const handle = opened[i]?.handle;
      if (handle === undefined) continue;
      const write = async (bytes: Uint8Array, offset: number): Promise<void> => {
        throwIfAborted(options.signal);
        await writeFully(handle, bytes, offset);
        options.onProgress?.(before + offset + bytes.length, total);
      };
      try {
        await writeGguf(file, write, layout);
        // The last tensor's padding, and holes at the end.
        await handle.truncate(layout.bytes);
      } catch (error) {
        throw writeError(path, error, total);
      }
      before += layout.bytes;
    }
    await closeAll();
    return total;
  } catch (error) {
    await closeAll();
    await Promise.allSettled(opened.map(({ path }) => rm(path)));
    throw error;
  }
}

/** A new file, or an emptied one. Devices and pipes are refused: they cannot be written at an offset, nor removed when it fails. */
async function openNew(path: string, force: boolean): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, force ? 'w' : 'wx');
    if (!(await handle.stat()).isFile()) throw new Error('it is not a regular file');
    return handle;
  } catch (error) {
    await handle?.close();
    throw writeError(path, error);
  }
}

/** One call may write less than it is given. */
async function writeFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

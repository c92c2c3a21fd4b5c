import { open, rm, type FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../base/abort';
import { fail } from '../base/errors';
import { formatBytes } from '../base/format';
import { layoutGguf, writeGguf, type GgufToWrite } from '../gguf/writer';

/** One file to write. */
export interface FileToWrite {
  readonly path: string;
  readonly file: GgufToWrite;
}

export interface WriteOptions {
  /** Replace files that are there. */
  readonly force?: boolean;
  /** Called after every write with the bytes written so far, over all files. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Bytes that the files will have together, from their layout alone. */
export function plannedBytes(files: readonly Pick<FileToWrite, 'file'>[]): number {
  return files.reduce((sum, { file }) => sum + layoutGguf(file).bytes, 0);
}

/**
 * Writes model files, for Node, tensor by tensor. Files that are not finished are removed again.
 * @returns bytes of all files
 * @throws TracerError `usage` when a file is there already and `force` is not set, or cannot be written (no room, no permission);
 * `run-cancelled`
 */
export async function writeModelFiles(files: readonly FileToWrite[], options: WriteOptions = {}): Promise<number> {
  const opened: { readonly path: string; readonly file: GgufToWrite; readonly handle: FileHandle }[] = [];
  try {
    // All are opened first, so that nothing is written when one of them may not be.
    for (const { path, file } of files) {
      const handle = await open(path, options.force === true ? 'w' : 'wx').catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
      opened.push({ path, file, handle });
    }
    let before = 0;
    for (const { path, file, handle } of opened) {
      before += await writeOne(handle, file, before, options).catch((error: unknown) => {
        throw cannotWrite(path, error, plannedBytes(files));
      });
    }
    await Promise.all(opened.map(({ handle }) => handle.close()));
    return before;
  } catch (error) {
    await Promise.allSettled(opened.map(({ handle }) => handle.close()));
    await Promise.allSettled(opened.map(({ path }) => rm(path)));
    throw error;
  }
}

async function writeOne(
  handle: FileHandle,
  file: GgufToWrite,
  bytesBefore: number,
  { onProgress, signal }: WriteOptions,
): Promise<number> {
  const layout = await writeGguf(file, async (bytes, offset) => {
    throwIfAborted(signal);
    await writeFully(handle, bytes, offset);
    onProgress?.(bytesBefore + offset + bytes.length);
  });
  // The last tensor's padding, and holes at the end.
  await handle.truncate(layout.bytes);
  return layout.bytes;
}

/** One call may write less than it is given. */
async function writeFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

function cannotWrite(path: string, error: unknown, needed?: number): unknown {
  if (error instanceof Error && error.name === 'TracerError') return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'EEXIST') {
    return fail('usage', `${path} is there already.`, 'Give another name, or --force to replace it.', { path }, error);
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    const size = needed === undefined ? '' : ` The model needs ${formatBytes(needed)}.`;
    const message = `There is no room for ${path}: ${reason}.${size}`;
    const detail = { path, reason, ...(needed === undefined ? {} : { needed }) };
    return fail('usage', message, 'Free some space, or write to another disk.', detail, error);
  }
  const remedy = 'Give a place that you may write to.';
  return fail('usage', `${path} cannot be written: ${reason}.`, remedy, { path, reason }, error);
}

import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';

/** Writes atomically: to a temporary file, renamed into place at the end. */
export interface AtomicFile {
  append(content: Uint8Array | string): Promise<void>;
  /** Puts it in its place, in one step; what was there before is gone then, and not earlier. */
  finish(): Promise<void>;
  /** Drops what is not finished. Safe to call at any time. */
  close(): Promise<void>;
}

/** Opens a file to be written, in a folder that exists. What is no regular file (a pipe, `/dev/null`) is written directly. */
export async function openWhole(path: string): Promise<AtomicFile> {
  const target = await realpath(path).catch(() => path);
  const before = await stat(target).catch(() => undefined);
  const direct = before !== undefined && !before.isFile();
  const part = direct ? target : `${target}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  // A file that may not be written must not be replaced either, which its folder alone would allow.
  if (before?.isFile() === true) await (await open(target, 'a')).close();
  let handle: FileHandle | undefined = await open(part, 'w');
  const close = async (): Promise<void> => {
    const open = handle;
    handle = undefined;
    if (open === undefined) return;
    await open.close();
    if (!direct) await rm(part, { force: true });
  };
  return {
    append: async (content) => {
      await handle?.appendFile(content);
    },
    async finish() {
      const open = handle;
      if (open === undefined) return;
      if (!direct) await open.sync();
      await open.close();
      handle = undefined;
      if (!direct) await rename(part, target);
    },
    close,
  };
}

/** Writes a file whole or not at all. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const file = await openWhole(path);
  try {
    await file.append(content);
    await file.finish();
  } finally {
    await file.close();
  }
}

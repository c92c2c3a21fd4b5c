import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Opens a file for reading that is a regular file. A pipe, a socket or a device is refused and never waited for: opening a pipe blocks until somebody
 * writes to it, and no signal ends a process whose thread waits there. For Node only.
 * @throws Error of the file system, or one that says what it is instead
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | nonBlocking());
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  const kind = stat.isDirectory()
    ? 'a folder'
    : stat.isFIFO()
      ? 'a pipe'
      : stat.isSocket()
        ? 'a socket'
        : stat.isCharacterDevice() || stat.isBlockDevice()
          ? 'a device'
          : 'something else';
  throw new Error(`it is not a regular file but ${kind}`);
}

/** Windows has no such flag, and no pipes in its folders. */
function nonBlocking(): number {
  const flags: Readonly<Partial<Record<'O_NONBLOCK', number>>> = constants;
  return flags.O_NONBLOCK ?? 0;
}

/** A regular file whole. @throws as {@link openRegular} */
export async function readRegular(path: string): Promise<Buffer> {
  const handle = await openRegular(path);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Zip, ZipPassThrough } from 'fflate';
import { fail } from '../../base/errors';
import { unwritable } from '../files/output';
import { openWhole, type AtomicFile } from '../files/atomic-file';

/** A ZIP without the 64-bit extension ends here. */
const MAX_ZIP_BYTES = 0xffffffff;
/** Fixed, so that the same tensors give the same bytes. DOS dates begin in 1980. */
const MODIFIED = '1980-01-01T12:00:00';

/** A ZIP archive that is written entry by entry, stored. */
export interface ZipFile {
  add(path: string, content: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes the directory; only now the archive is in its place. */
  finish(): Promise<void>;
  /** Drops an archive that is not finished. Safe to call at any time. */
  close(): Promise<void>;
}

/** Opens an archive for writing, replacing what is there. @throws TracerError `usage` when it cannot be written, or would pass 4 GB */
export async function openZipFile(path: string): Promise<ZipFile> {
  let file: AtomicFile;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await openWhole(path);
  } catch (error) {
    throw unwritable(path, error);
  }
  let waiting: Uint8Array[] = [];
  let failure: unknown;
  let bytes = 0;
  const zip = new Zip((error, chunk) => {
    failure ??= error ?? undefined;
    waiting.push(chunk);
  });
  const flush = async (): Promise<void> => {
    const chunks = waiting;
    waiting = [];
    try {
      if (failure !== undefined) throw failure;
      for (const chunk of chunks) await file.append(chunk);
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  return {
    async add(name, content) {
      bytes += content.length + 2 * name.length + 128;
      if (bytes > MAX_ZIP_BYTES) {
        const remedy = 'Use --format aprt, or save fewer stages, layers or positions.';
        throw fail('usage', `${path} would pass 4 GB, which an NPZ cannot hold.`, remedy, { limit: MAX_ZIP_BYTES });
      }
      const entry = new ZipPassThrough(name);
      entry.mtime = MODIFIED;
      zip.add(entry);
      entry.push(content, true);
      await flush();
    },
    async finish() {
      zip.end();
      await flush();
      try {
        await file.finish();
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    close: file.close,
  };
}

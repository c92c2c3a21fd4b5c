import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unfinishedIndex } from '../../trace/trace-files';
import { unwritable } from '../files/output';
import { writeWhole } from '../files/whole-file';

/** Where a tree grows, inside of the folder that it is for: on the same disk, and out of every reader's sight. */
const GROWING = '.unfinished';

/** A folder of files that is there whole, or as it was before. */
export interface TreeFolder {
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Puts the new folders in place of old ones of the same name, and takes away those named `stale`. */
  finish(stale?: readonly string[]): Promise<void>;
  /** Drops what is not finished. Safe to call at any time. */
  close(): Promise<void>;
}

/**
 * Opens a tree for writing below `root`; `index` is the file that describes it. Until it is finished `root` holds what it held; a `root`
 * that held nothing holds an index that says so, which readers refuse. What a killed run left is removed.
 */
export function treeFolder(root: string, index: string): TreeFolder {
  const growing = join(root, GROWING);
  const folders = new Set<string>();
  let opened: Promise<void> | undefined;
  /** The index in place is ours, and says that the tree is not whole. */
  let isMarked = false;
  /** Old and new folders are mixed: only the next run can mend that. */
  let changing = false;

  const open = async (): Promise<void> => {
    await rm(growing, { recursive: true, force: true });
    await mkdir(growing, { recursive: true });
    if ((await stat(join(root, index)).catch(() => undefined)) === undefined) await markUnfinished();
  };
  const markUnfinished = async (): Promise<void> => {
    await writeWhole(join(root, index), unfinishedIndex());
    isMarked = true;
  };

  return {
    async write(path, bytes) {
      const file = join(growing, path);
      try {
        await (opened ??= open());
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, bytes);
        const folder = path.split('/')[0];
        if (folder !== undefined && folder !== path) folders.add(folder);
      } catch (error) {
        throw unwritable(file, error);
      }
    },
    async finish(stale = []) {
      try {
        // While folders change places the index is neither the old nor the new one.
        await markUnfinished();
        changing = true;
        for (const folder of [...folders, ...stale]) {
          await rename(join(root, folder), join(growing, `${folder}.old`)).catch(ignoreMissing);
          if (folders.has(folder)) await rename(join(growing, folder), join(root, folder));
        }
        await rename(join(growing, index), join(root, index));
        changing = false;
        isMarked = false;
      } catch (error) {
        throw unwritable(root, error);
      }
    },
    async close() {
      if (opened === undefined) return;
      await opened.catch(() => undefined);
      await rm(growing, { recursive: true, force: true });
      if (isMarked && !changing) await rm(join(root, index), { force: true });
    },
  };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

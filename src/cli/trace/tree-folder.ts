import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TracerError } from '../../base/errors';
import { unfinishedIndex } from '../../trace/trace-files';
import { unwritable } from '../files/output';
import { isGone, PROCESS_NAME, whileLocked } from './folder-lock';
import { writeWhole } from '../files/atomic-file';

/** Where a tree grows, inside of the folder that it is for: on the same disk, and out of every reader's sight. Each run has its own. */
const GROWING = '.unfinished';

/** Trees that this process has opened: each has a name of its own. */
let treesOpened = 0;

/** A folder of files that is there whole, or as it was before. */
export interface TreeFolder {
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Puts the new folders in place of old ones of the same name, and takes away others. While nobody else does so: of two runs into one folder the one that ends
   * last is there, whole.
   * @param last writes what hangs on what is there, and names the folders to be taken away
   */
  finish(last: () => Promise<readonly string[]>): Promise<void>;
  /** Drops what is not finished. Safe to call at any time. */
  close(): Promise<void>;
}

/**
 * Opens a tree for writing below `root`; `index` is the file that describes it. Until it is finished `root` holds what it held; a `root`
 * that held nothing holds an index that says so, which readers refuse. What a killed run left is removed.
 */
export function treeFolder(root: string, index: string): TreeFolder {
  const growing = join(root, `${GROWING}-${treesOpened++}.${PROCESS_NAME}`);
  const folders = new Set<string>();
  let opened: Promise<void> | undefined;
  /** The index in place is one that says that the tree is not whole, and this run's. */
  let isMarked = false;
  /** Old and new folders are mixed: only the next run can mend that. */
  let changing = false;

  const open = async (): Promise<void> => {
    await dropDeadTrees(root);
    await rm(growing, { recursive: true, force: true });
    await mkdir(growing, { recursive: true });
    await whileLocked(root, async () => {
      if ((await stat(join(root, index)).catch(() => undefined)) === undefined) await markUnfinished();
    });
  };
  const markUnfinished = async (): Promise<void> => {
    await writeWhole(join(root, index), unfinishedIndex());
    isMarked = true;
  };
  const write = async (path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
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
  };
  const putInPlace = async (last: () => Promise<readonly string[]>): Promise<void> => {
    const stale = await last();
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
  };

  return {
    write,
    async finish(last) {
      try {
        await (opened ??= open());
        await whileLocked(root, () => putInPlace(last));
      } catch (error) {
        throw error instanceof TracerError ? error : unwritable(root, error);
      }
    },
    async close() {
      if (opened === undefined) return;
      await opened.catch(() => undefined);
      await rm(growing, { recursive: true, force: true });
      if (!isMarked || changing) return;
      const unmark = async (): Promise<void> => {
        // Another run may have finished since, and the index be its own.
        const there = await readFile(join(root, index), 'utf8').catch(() => '');
        if (there === unfinishedIndex()) await rm(join(root, index), { force: true });
      };
      // On a full disk, say: an index that stays tells the truth, and the error to tell is the one that ended the run.
      await whileLocked(root, unmark).catch(() => undefined);
    },
  };
}

/** Trees that runs left which were killed: of this machine, and of versions that gave them no name. */
async function dropDeadTrees(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const isDead = name === GROWING || (name.startsWith(`${GROWING}-`) && isGone(name.slice(name.indexOf('.', 1) + 1)));
    if (isDead) await rm(join(root, name), { recursive: true, force: true });
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

import type { SyncFile } from '../../src/cache/sync-file';
import { memoryFile } from './memory-file';

interface Entry {
  readonly file: SyncFile;
  isLocked: boolean;
}

/** A private file system in memory, as far as the cache uses one: locks, folders, and a quota that `navigator.storage` reports. */
export function memoryOpfs(quota: () => number): { readonly storage: object } {
  const root = folder('');
  const used = (): number => root.bytes();
  return {
    storage: {
      getDirectory: () => Promise.resolve(root.handle),
      estimate: () => Promise.resolve({ quota: quota(), usage: used() }),
    },
  };
}

interface Folder {
  readonly handle: object;
  readonly isLocked: () => boolean;
  readonly bytes: () => number;
}

function folder(name: string): Folder {
  const files = new Map<string, Entry>();
  const folders = new Map<string, Folder>();
  const isLocked = (): boolean =>
    [...files.values()].some((entry) => entry.isLocked) || [...folders.values()].some((inner) => inner.isLocked());
  const bytes = (): number =>
    [...files.values()].reduce((sum, { file }) => sum + file.getSize(), 0) +
    [...folders.values()].reduce((sum, inner) => sum + inner.bytes(), 0);
  const handle = {
    kind: 'directory',
    name,
    getDirectoryHandle: async (wanted: string, { create = false } = {}) => {
      await Promise.resolve();
      const found = folders.get(wanted) ?? (create ? folder(wanted) : undefined);
      if (found === undefined) throw new DOMException(wanted, 'NotFoundError');
      folders.set(wanted, found);
      return found.handle;
    },
    getFileHandle: async (wanted: string, { create = false } = {}) => {
      await Promise.resolve();
      const entry = files.get(wanted) ?? (create ? { file: memoryFile(), isLocked: false } : undefined);
      if (entry === undefined) throw new DOMException(wanted, 'NotFoundError');
      files.set(wanted, entry);
      return fileHandle(entry);
    },
    removeEntry: async (wanted: string) => {
      await Promise.resolve();
      if (folders.get(wanted)?.isLocked() === true) throw new DOMException(wanted, 'NoModificationAllowedError');
      if (!folders.delete(wanted)) throw new DOMException(wanted, 'NotFoundError');
    },
    async *entries() {
      await Promise.resolve();
      for (const [key, inner] of folders) yield [key, inner.handle];
    },
  };
  return { handle, isLocked, bytes };
}

function fileHandle(entry: Entry): object {
  return {
    kind: 'file',
    getFile: () => {
      const bytes = new Uint8Array(entry.file.getSize());
      entry.file.read(bytes, { at: 0 });
      return Promise.resolve(new Blob([bytes]));
    },
    createSyncAccessHandle: async () => {
      await Promise.resolve();
      if (entry.isLocked) throw new DOMException('locked', 'NoModificationAllowedError');
      entry.isLocked = true;
      return {
        ...entry.file,
        close: () => {
          entry.isLocked = false;
        },
      };
    },
  };
}

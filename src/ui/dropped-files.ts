interface FileSource {
  readonly kind: 'blob';
  readonly name: string;
  readonly blob: Blob;
}

/** A dropped folder holds at most this many files that are looked at: a dump of 96 layers with 30 stages and bounds stays below. */
const MOST_FILES = 20_000;

/** Picked files as sources, parts of a split model in order. */
export function sourcesOfFiles(files: FileList): readonly FileSource[] {
  return inOrder([...files].map((file) => sourceOf(file, file.webkitRelativePath)));
}

/** Dropped files and folders as sources, by their paths within what was dropped. */
export async function droppedSources(transfer: DataTransfer): Promise<readonly FileSource[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory === true)) return inOrder(files.map((file) => sourceOf(file, '')));
  const found: FileSource[] = [];
  const visit = async (entry: FileSystemEntry): Promise<void> => {
    if (found.length >= MOST_FILES) return;
    if (entry instanceof FileSystemFileEntry) {
      const file = await new Promise<File>((done, refuse) => {
        entry.file(done, refuse);
      });
      found.push(sourceOf(file, entry.fullPath));
    } else if (entry instanceof FileSystemDirectoryEntry) {
      for (const inner of await entriesOf(entry)) await visit(inner);
    }
  };
  for (const entry of entries) if (entry !== null) await visit(entry);
  return inOrder(found);
}

/** The browser hands a folder out in portions; the last is empty. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((done, refuse) => {
      reader.readEntries(done, refuse);
    });
    if (portion.length === 0) return all;
    all.push(...portion);
  }
}

function sourceOf(file: File, path: string): FileSource {
  return { kind: 'blob', name: path === '' ? file.name : path.replace(/^\//, ''), blob: file };
}

function inOrder(sources: readonly FileSource[]): readonly FileSource[] {
  return [...sources].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
